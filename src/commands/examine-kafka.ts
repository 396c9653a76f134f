import { describeKafka } from '../bus/kafka/kafka-admin.ts';
import type { KafkaConfig, Topics } from '../config.ts';
import { kafkaConnection } from '../create-bus.ts';
import { kafkaReason } from './ask-kafka.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

export async function examineKafka(kafka: KafkaConfig, topics: Topics): Promise<Finding[]> {
  const names = [topics.orders, topics.masking, topics.deadLetter];
  try {
    const found = await describeKafka(kafkaConnection(kafka), names);
    const findings = [ok(`Kafka answers with ${found.brokers} brokers.`)];
    for (const name of names) {
      const topic = found.topics.get(name) ?? null;
      if (topic === null) {
        findings.push(fail(`Topic ${name} is missing.`, 'Run `maskline migrate --topics`, or make it.'));
      } else if (topic.leaderless > 0) {
        findings.push(
          fail(`Topic ${name} has ${topic.leaderless} partitions without a leader.`, 'Look at the brokers.'),
        );
      } else if (topic.replicas < 2 && found.brokers > 1) {
        findings.push(
          warn(`Topic ${name} is kept once only.`, 'Raise its replication factor; 3 is usual in production.'),
        );
      } else {
        findings.push(
          ok(`Topic ${name} has ${topic.partitions} partitions, each kept ${topic.replicas} times.`),
        );
      }
    }
    return findings;
  } catch (error) {
    const advice = `Check KAFKA_BROKERS and its TLS and SASL settings. ${kafkaReason(error)}`;
    return [fail('Kafka does not answer.', advice)];
  }
}
