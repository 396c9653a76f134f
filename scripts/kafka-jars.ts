import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const KAFKA_VERSION = '4.2.0';
const LOG4J_VERSION = '2.25.3';

export const cacheDir = process.env.MASKLINE_CACHE_DIR ?? join(homedir(), '.cache', 'maskline');
export const jarsDir = join(cacheDir, `kafka-${KAFKA_VERSION}`);

/** Copies the jars that the broker needs; a cache that was left half done is never taken for whole. */
export function fetchJars(): void {
  if (existsSync(jarsDir)) return;
  console.log(`Fetching Apache Kafka ${KAFKA_VERSION} with Maven …`);
  mkdirSync(cacheDir, { recursive: true });
  const work = mkdtempSync(join(cacheDir, 'fetch-'));
  try {
    writeFileSync(join(work, 'pom.xml'), pom());
    const jars = join(work, 'jars');
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`];
    execFileSync('mvn', ['-B', '-q', '-Dstyle.color=never', '-f', join(work, 'pom.xml'), ...goal], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (!readdirSync(jars).includes(`kafka_2.13-${KAFKA_VERSION}.jar`)) {
      throw new Error('Maven did not bring the Kafka broker.');
    }
    renameSync(jars, jarsDir);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function pom(): string {
  const dependency = (group: string, artifact: string, version: string): string =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>maskline.local</groupId><artifactId>kafka-runtime</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    ${dependency('org.apache.kafka', 'kafka_2.13', KAFKA_VERSION)}
    ${dependency('org.apache.logging.log4j', 'log4j-core', LOG4J_VERSION)}
    ${dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION)}
  </dependencies>
</project>
`;
}
