import { readFileSync } from 'node:fs';

/** The environment, and the only code that reads it. Every violation is collected and reported at once. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Settings that cannot be served; `violations` says what to do about each. */
export class ConfigError extends Error {
  readonly violations: readonly string[];

  constructor(violations: readonly string[]) {
    super(`The settings cannot be used:\n${violations.map((violation) => `  - ${violation}`).join('\n')}`);
    this.name = 'ConfigError';
    this.violations = violations;
  }
}

/** Those of `dev` and of tests, those that are asked for only beside others, and what Kubernetes sets for a service. */
const IGNORED = /^MASKLINE_(?:DATA_DIR$|TEST_|KAFKA_|MASTER_KEY_|SERVICE_|PORT_)/;

/** Reads single settings and remembers what was wrong with them. An empty variable counts as missing. */
export class SettingsReader {
  readonly #environment: Environment;
  readonly #violations: string[] = [];
  readonly #asked = new Set<string>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  violate(violation: string): void {
    if (!this.#violations.includes(violation)) this.#violations.push(violation);
  }

  get violations(): readonly string[] {
    return this.#violations;
  }

  finish(): void {
    if (this.#violations.length > 0) throw new ConfigError(this.#violations);
  }

  /** Variables that begin like ours and that nobody has asked for: misspelt, most likely. */
  unknown(): readonly string[] {
    return Object.keys(this.#environment)
      .filter((name) => name.startsWith('MASKLINE_') && !this.#asked.has(name) && !IGNORED.test(name))
      .sort();
  }

  optional(name: string): string | null {
    this.#asked.add(name);
    const value = this.#environment[name]?.trim();
    return value === undefined || value === '' ? null : value;
  }

  /** A value given directly, or through a file named by `NAME_FILE`. */
  secret(name: string): string | null {
    const file = this.optional(`${name}_FILE`);
    if (file === null) return this.optional(name);
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {
      this.violate(`${name}_FILE cannot be read. Check that the file exists and may be read by this user.`);
      return null;
    }
  }

  text(name: string, fallback: string): string {
    return this.optional(name) ?? fallback;
  }

  integer(name: string, fallback: number, minimum: number, maximum: number): number {
    const text = this.optional(name);
    if (text === null) return fallback;
    const value = Number(text);
    if (!Number.isInteger(value) || value < minimum || value > maximum) {
      // Kubernetes sets NAME_PORT=tcp://… in every pod beside a service of that name.
      const hint = text.startsWith('tcp://')
        ? ' Kubernetes has set it for a service of that name: set enableServiceLinks: false in the pod.'
        : '';
      this.violate(`${name} must be a whole number from ${minimum} to ${maximum}.${hint}`);
      return fallback;
    }
    return value;
  }

  port(name: string, fallback: number): number {
    return this.integer(name, fallback, 0, 65_535);
  }

  url(name: string, fallback: string): string {
    const text = this.text(name, fallback);
    if (!URL.canParse(text) || !/^https?:\/\//.test(text)) {
      this.violate(`${name} must be an http or https address.`);
      return fallback;
    }
    return text.replace(/\/+$/, '');
  }

  oneOf(name: string, fallback: string, allowed: readonly string[]): string {
    const text = this.text(name, fallback);
    if (!allowed.includes(text)) this.violate(`${name} must be one of ${allowed.join(', ')}.`);
    return text;
  }

  matching(name: string, fallback: string, pattern: RegExp, words: string): string {
    const text = this.text(name, fallback);
    if (!pattern.test(text)) this.violate(`${name} may hold ${words} only.`);
    return text;
  }

  topic(name: string, fallback: string): string {
    return this.matching(name, fallback, /^[A-Za-z0-9._-]{1,200}$/, 'letters, digits, dot, _ and -');
  }

  list(name: string): string[] {
    return (this.optional(name) ?? '')
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  }
}

/** Whether what goes to this address cannot be read on the way. */
export function isPrivateOrSafe(url: string): boolean {
  if (url.startsWith('https://')) return true;
  return URL.canParse(url) && ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}
