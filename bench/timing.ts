// Whether the time of a comparison tells how much of a guess was right (SEC-38): Welch's t between guesses that differ
// from the secret in their first place and guesses that differ in their last, as dudect does it.  An absolute t of 4.5
// and more would be a leak. The last case is one on purpose: it shows that a leak would be seen.
// node bench/timing.ts [samples of each kind, default 1,000,000]
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { pinHash } from '../src/app/create-pin.ts';
import { ApiKeyCache } from '../src/http/api-key-cache.ts';
import { systemClock } from '../src/lib/clock.ts';
import { systemRandom } from '../src/lib/random.ts';
import { createApiKey, hashApiKey } from '../src/privacy/api-key.ts';
import { type StoredDataKey, Vault } from '../src/privacy/vault.ts';
import type { ApiKeyRow } from '../src/storage/storage.ts';
import { createTwilioProvider } from '../src/providers/twilio/twilio-provider.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  createTwilioWebhooks,
} from '../src/providers/twilio/testing/twilio-bench.ts';

const SAMPLES = Number(process.argv[2] ?? 1_000_000);
const LEAK = 4.5;
/** dudect crops the slowest at several places, because a scheduler's pauses hide what is small. */
const CROPS = [1, 0.99, 0.9, 0.5] as const;
const WARM_UP = 20_000;

interface Case {
  readonly name: string;
  /** Runs the comparison with a guess of that kind. */
  readonly compare: (kind: 0 | 1) => unknown;
}

const cases: Case[] = [twilioSignature(), apiKey(), await pin(), early()];
let leaks = 0;
for (const one of cases) {
  const [first, last] = measure(one);
  const ts = CROPS.map((share) => welch(crop(first, share), crop(last, share)));
  const worst = Math.max(...ts.map(Math.abs));
  const control = one.name.startsWith('control');
  if (worst >= LEAK !== control) leaks++;
  console.log(
    `${one.name.padEnd(34)} |t| ${worst.toFixed(2).padStart(8)}   by share of the fastest ` +
      `${CROPS.map((share, i) => `${share * 100} %: ${(ts[i] ?? 0).toFixed(2)}`).join(', ')}   ` +
      `median ${median(first)} and ${median(last)} ns`,
  );
}
console.log(
  `${SAMPLES} samples of each kind; an absolute t below ${LEAK} is no leak, and the control must be one.`,
);
process.exitCode = leaks === 0 ? 0 : 1;

function measure({ compare }: Case): [Float64Array, Float64Array] {
  const times = [new Float64Array(SAMPLES), new Float64Array(SAMPLES)] as const;
  const taken = [0, 0];
  for (let i = 0; i < WARM_UP; i++) compare((i & 1) as 0 | 1);
  let coins = randomBytes(4_096);
  for (let i = 0; (taken[0] ?? 0) < SAMPLES || (taken[1] ?? 0) < SAMPLES; i++) {
    if (i % 4_096 === 0) coins = randomBytes(4_096);
    const kind = ((coins[i % 4_096] ?? 0) & 1) as 0 | 1;
    const at = taken[kind] ?? 0;
    if (at >= SAMPLES) continue;
    const from = process.hrtime.bigint();
    compare(kind);
    times[kind][at] = Number(process.hrtime.bigint() - from);
    taken[kind] = at + 1;
  }
  return [times[0].sort(), times[1].sort()];
}

/** The fastest of them, up to the share of all that both kinds are cut at. */
function crop(sorted: Float64Array, share: number): Float64Array {
  return sorted.subarray(0, Math.floor(sorted.length * share));
}

function welch(a: Float64Array, b: Float64Array): number {
  const [meanA, varianceA] = moments(a);
  const [meanB, varianceB] = moments(b);
  const error = Math.sqrt(varianceA / a.length + varianceB / b.length);
  return error === 0 ? 0 : (meanA - meanB) / error;
}

function moments(values: Float64Array): [number, number] {
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const delta = (values[i] ?? 0) - mean;
    mean += delta / (i + 1);
    squares += delta * ((values[i] ?? 0) - mean);
  }
  return [mean, squares / (values.length - 1)];
}

function median(sorted: Float64Array): number {
  return sorted[sorted.length >> 1] ?? 0;
}

function changed(text: string, place: number): string {
  const other = text[place] === 'A' ? 'B' : 'A';
  return text.slice(0, place) + other + text.slice(place + 1);
}

function twilioSignature(): Case {
  const base = 'https://maskline.example/webhooks/twilio/acc_1/secret';
  const provider = createTwilioProvider(
    { settings: {}, credentials: { accountSid: ACCOUNT_SID, authToken: AUTH_TOKEN } },
    { clock: systemClock },
  );
  const header = 'x-twilio-signature';
  const webhooks = createTwilioWebhooks({ accountSid: ACCOUNT_SID, secret: AUTH_TOKEN, header, base });
  const genuine = webhooks.sign(webhooks.answer({ callId: 'c', from: '+12025550101', to: '+12155550150' }));
  const proof = genuine.headers[header] ?? '';
  // The last character but the padding; of base64, its upper bits stand for whole bytes.
  const guesses = [0, proof.length - 3].map((place) => ({
    ...genuine,
    headers: { ...genuine.headers, [header]: changed(proof, place) },
  }));
  return {
    name: 'signature of a webhook (Twilio)',
    compare: (kind) => provider.isAuthentic(guesses[kind] ?? genuine),
  };
}

/** The look-up of a key: by its hash, so that a guess near a right key is as far from it as any other. */
function apiKey(): Case {
  const real = createApiKey(systemRandom);
  const known = Buffer.from(hashApiKey(real)).toString('hex');
  const row = { id: 'key_1', tenant: 'acme' } as ApiKeyRow;
  const cache = new ApiKeyCache(
    async (hash) => (Buffer.from(hash).toString('hex') === known ? row : null),
    systemClock,
    () => {},
  );
  void cache.find(real);
  const chosen = 'a-key-that-somebody-chose-for-development';
  const guesses = [changed(chosen, 0), changed(chosen, chosen.length - 1)];
  return { name: 'API key', compare: (kind) => void cache.find(guesses[kind] ?? '') };
}

async function pin(): Promise<Case> {
  const rows: StoredDataKey[] = [];
  const store = {
    dataKeyList: async () => rows,
    dataKeyInsert: async (_: string, key: StoredDataKey) => void rows.push(key),
  };
  const keys = await new Vault(randomBytes(32), store, systemClock, systemRandom).keysOf('acme');
  const right = '482915';
  const stored = pinHash(keys, 'ses_1', 'par_1', right);
  const guesses = [changed(right, 0), changed(right, 5)].map((text) => text.replace(/[AB]/, '7'));
  return {
    name: 'PIN of a caller',
    compare: (kind) => timingSafeEqual(stored, pinHash(keys, 'ses_1', 'par_1', guesses[kind] ?? '')),
  };
}

/** A comparison that ends at the first byte that differs. */
function early(): Case {
  const secret = randomBytes(512);
  const guesses = [0, 511].map((place) => {
    const guess = Buffer.from(secret);
    guess[place] = (guess[place] ?? 0) ^ 1;
    return guess;
  });
  return {
    name: 'control: ends where it differs',
    compare: (kind) => {
      const guess = guesses[kind] as Buffer;
      for (let i = 0; i < secret.length; i++) if (secret[i] !== guess[i]) return false;
      return true;
    },
  };
}
