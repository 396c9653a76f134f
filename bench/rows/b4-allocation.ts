import { Agent, request } from 'node:http';
import { runAsAdmin } from '../../src/storage/testing/open-test-postgres.ts';
import { ACCOUNT, personNumber, POOL, TENANT } from '../../test/production/seed.ts';
import type { BenchOptions, BenchRow } from '../bench-row.ts';
import { InsertingOnly, rivalRate } from '../inserting-only.ts';
import { createLoneService, type LoneService } from '../lone-service.ts';

/** Who ask at the same time, one session in each request, and how many connections insert at the same time. */
const CLIENTS = 64;
/** So many are opened and then given back, so that the smallest pool has enough for them. */
const SESSIONS_AT_ONCE = 192;
const FULL = { small: 400, large: 400_000, rounds: 5, turns: 5, seconds: 3 };
const SMOKE = { small: 400, large: 4_000, rounds: 2, turns: 1, seconds: 1 };
const SESSIONS_ALONE = 40;
const RATIO_AIM = 0.5;
/** What the rate of the large pool may lack of that of the small one, and still count as the same. */
const SAME_SHARE = 0.85;

const MODES = ['dedicated', 'shared'] as const;

interface Variant {
  readonly pool: string;
  readonly mode: (typeof MODES)[number];
  readonly size: number;
}

/** Sessions opened through `POST /v1/sessions`, one in each request, by the size and mode of the pool. */
export async function measureB4({ smoke, progress }: BenchOptions): Promise<BenchRow[]> {
  const size = smoke ? SMOKE : FULL;
  progress('B4: start');
  const service = await createLoneService({ numbers: size.small });
  const url = service.databaseUrl;
  const inserting = await InsertingOnly.prepare(url);
  try {
    await service.replica.start();
    const variants = MODES.flatMap((mode) =>
      [size.small, size.large].map(
        (numbers): Variant => ({ pool: `${mode}-${numbers}`, mode, size: numbers }),
      ),
    );
    for (const variant of variants) await makePool(url, variant);
    const api = new Api(service);
    const rates = new Map(variants.map((variant) => [variant, [] as number[]]));
    const limits: number[] = [];
    const rivals = new Map(variants.map((variant) => [variant, [] as number[]]));
    // One round warms up what is compiled late.
    for (let round = 0; round <= size.rounds; round++) {
      progress(`B4: round ${round} of ${size.rounds}`);
      if (round > 0) limits.push(await inserting.rate(CLIENTS, size.seconds));
      if (round > 0) await giveBack(url);
      for (const variant of variants) {
        let elapsedMs = 0;
        for (let turn = 0; turn < size.turns; turn++) {
          elapsedMs += await api.open(variant, CLIENTS, SESSIONS_AT_ONCE);
          await giveBack(url);
        }
        if (round > 0) rates.get(variant)?.push((1_000 * SESSIONS_AT_ONCE * size.turns) / elapsedMs);
      }
      const compared = variants.filter(({ mode }) => mode === 'dedicated');
      for (const variant of round > 0 ? compared : []) {
        rivals.get(variant)?.push(await rivalRate(url, variant.pool, CLIENTS, size.seconds / 2));
        await giveBack(url);
      }
    }
    const insertedAlone = await inserting.rate(1, size.seconds);
    await giveBack(url);
    const alone = new Map<Variant, number>();
    for (const variant of variants) {
      alone.set(variant, (1_000 * SESSIONS_ALONE) / (await api.open(variant, 1, SESSIONS_ALONE)));
      await giveBack(url);
    }
    api.close();
    const limit = median(limits);
    const value = (variant: Variant): number => median(rates.get(variant) ?? []);
    return variants.map((variant) => {
      const own = rates.get(variant) ?? [];
      const twin = variants.find(({ mode, size: other }) => mode === variant.mode && other === size.small);
      const share = value(variant) / (twin ? value(twin) : Number.NaN);
      const rival = rivals.get(variant) ?? [];
      return {
        id: 'B4',
        title: `allocation one at a time through the API, ${variant.mode} pool of ${variant.size}`,
        unit: 'sessions/s',
        value: value(variant),
        limit,
        rival: rival.length > 0 ? median(rival) : null,
        ratio: value(variant) / limit,
        aim: `≥ ${RATIO_AIM} of the limit, the same whatever the size of the pool`,
        met: value(variant) / limit >= RATIO_AIM && share >= SAME_SHARE,
        spread: { low: Math.min(...own), high: Math.max(...own) },
        details: {
          'share of the rate of the small pool': share.toFixed(2),
          'limit measured with': inserting.means,
          'limit, lowest and highest': `${Math.round(Math.min(...limits))} … ${Math.round(Math.max(...limits))}`,
          rival: 'select … order by random() … for update skip locked, then update, then the same inserts',
          connections: CLIENTS,
          'over one connection, sessions/s': Math.round(alone.get(variant) ?? Number.NaN),
          'limit over one connection, sessions/s': Math.round(insertedAlone),
          'sessions a round': SESSIONS_AT_ONCE * size.turns,
          rounds: size.rounds,
        },
      };
    });
  } finally {
    await inserting.remove();
    await service.stop();
  }
}

async function makePool(url: string, { pool, mode, size }: Variant): Promise<void> {
  const copied = `jsonb_build_object('name', '${pool}', 'mode', '${mode}')`;
  // +999 is assigned to no country; these numbers leave no trace outside this database.
  const prefix = `+999${mode === 'dedicated' ? 1 : 2}${String(size).length}`;
  await runAsAdmin(
    url,
    `set search_path = maskline;
     insert into pool select (jsonb_populate_record(p, ${copied})).* from pool p where p.name = '${POOL}';
     insert into virtual_number (tenant, virtual_number, pool, provider_account, capabilities, state, idle_at, created_at)
     select '${TENANT}', '${prefix}' || lpad(n::text, 8, '0'), '${pool}', '${ACCOUNT}', '{voice,sms}', 'in_service',
            '2026-01-01', '2026-01-01' from generate_series(1, ${size}) n;
     analyze`,
  );
}

/** Everything that was opened ends without a rest. */
function giveBack(url: string): Promise<unknown> {
  return runAsAdmin(
    url,
    `set search_path = maskline;
     delete from route; delete from session; delete from reference; delete from outbox;
     update virtual_number set idle_at = '2026-01-01', last_session_id = null where last_session_id is not null`,
  );
}

class Api {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  readonly #service: LoneService;
  #next = 0;

  constructor(service: LoneService) {
    this.#service = service;
  }

  /** Milliseconds for so many sessions over so many connections. */
  async open({ pool }: Variant, connections: number, sessions: number): Promise<number> {
    const end = this.#next + sessions;
    const from = performance.now();
    await Promise.all(
      Array.from({ length: connections }, async () => {
        while (this.#next < end) await this.#open(pool, this.#next++);
      }),
    );
    return performance.now() - from;
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(pool: string, n: number): Promise<void> {
    const participants = [
      { role: 'customer', userId: `c${n}`, realNumber: personNumber(2 * n) },
      { role: 'driver', userId: `d${n}`, realNumber: personNumber(2 * n + 1) },
    ];
    const body = JSON.stringify({ pool, reference: `bench-${n}`, assignment: 1, participants });
    const { port } = this.#service.replica;
    const headers = {
      authorization: `Bearer ${this.#service.apiKey}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    const options = { agent: this.#agent, port, path: '/v1/sessions', method: 'POST', headers };
    return new Promise((resolve, reject) => {
      const sent = request({ ...options, host: '127.0.0.1' }, (answer) => {
        answer.resume();
        answer.on('end', () =>
          answer.statusCode === 201
            ? resolve()
            : reject(new Error(`A session was answered with ${answer.statusCode}.`)),
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
