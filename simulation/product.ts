import type { PgliteDatabase } from '../src/storage/pglite/pglite-database.ts';
import { emptyDatabase, openOnEngine, type SharedEngine } from './engine.ts';
import { runSeed, type SeedOptions, type SeedResult } from './run-seed.ts';

/** Runs seeds one after another on one engine. */
export class SeedRunner {
  readonly #engine: SharedEngine;
  readonly #database: PgliteDatabase;
  readonly #schema: string | null;

  private constructor(engine: SharedEngine, database: PgliteDatabase, schema: string | null) {
    this.#engine = engine;
    this.#database = database;
    this.#schema = schema;
  }

  static async open(engine: SharedEngine, schema: string | null): Promise<SeedRunner> {
    return new SeedRunner(engine, await openOnEngine(engine), schema);
  }

  async run(options: Omit<SeedOptions, 'database'>): Promise<SeedResult> {
    await emptyDatabase(this.#engine, this.#database, this.#schema);
    return runSeed({ ...options, database: this.#database });
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
