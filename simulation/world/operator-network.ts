import type {
  WebhookRequest as SignedRequest,
  WebhookResponse,
} from '../../simulator/exchange/webhook-sender.ts';
import { MasklineError } from '../../src/domain/errors.ts';
import { authenticateWebhook, findWebhookAccount } from '../../src/http/webhooks/authenticate-webhook.ts';
import { receiveWebhook } from '../../src/http/webhooks/receive-webhook.ts';
import type { WebhookKind } from '../../src/providers/provider.ts';
import type { Asked } from '../checks/asked.ts';
import { phoneOf } from './people.ts';
import type { Replica } from './replica.ts';
import type { World } from './world.ts';

/** What lies between the operators and the replicas: every question of an operator comes this way, and is judged. */
export class OperatorNetwork {
  readonly #world: World;
  /** what was asked, and answered in whatever way */
  readonly asked: Asked[] = [];
  /** whom every question goes to; null: to whichever chance says */
  prefers: Replica | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  /** Asks some replica, sometimes two, and sometimes loses the answer. */
  async deliver(request: SignedRequest, signal: AbortSignal): Promise<WebhookResponse> {
    const world = this.#world;
    const first = this.ask(request);
    if (world.random.next() < world.weather.rates.askTwice) {
      world.reached.count('fault askTwice');
      world.start('asked twice', this.ask(request));
    }
    const response = await Promise.race([first, aborted(signal)]);
    if (world.random.next() < world.weather.rates.answerLost) {
      world.reached.count('fault answerLost');
      throw new Error('The answer was lost on its way.');
    }
    return response;
  }

  /** One delivery of one webhook to one replica, judged. */
  async ask(request: SignedRequest, options: { illegitimate?: boolean } = {}): Promise<WebhookResponse> {
    const world = this.#world;
    const replica = this.prefers ?? world.anyReplica();
    if (!replica) throw new Error('Nobody answers.');
    const [, , , , accountId = '', pathSecret = '', kind = ''] = request.url.split('/');
    const { life, app } = replica;
    let askedAt = world.clock.now();
    const struck = life.struck;
    const skewMs = life.clock.skewMs;
    const handled = async (): Promise<WebhookResponse> => {
      await life.pass('before webhook');
      await life.mayDie('before webhook');
      // The deadline counts from here: what waits in the network is not ours.
      askedAt = world.clock.now();
      const webhook = {
        method: 'POST',
        url: request.url,
        headers: request.headers,
        rawBody: Buffer.from(request.body),
        remoteAddress: '127.0.0.1',
      };
      const path = { accountId, pathSecret, kind: kind as WebhookKind };
      const account = await findWebhookAccount(app, path);
      authenticateWebhook(app, account, webhook);
      const response = await receiveWebhook(app, account, kind as WebhookKind, webhook);
      await life.mayDie('after webhook');
      return { status: response.status, body: response.body };
    };
    const content = JSON.parse(request.body) as Record<string, string>;
    const id = content.callId ?? content.messageId ?? '';
    const question = {
      kind: kind === 'answer' ? ('call' as const) : ('message' as const),
      id,
      account: accountId,
      from: phoneOf(content.from ?? ''),
      dialled: content.to ?? '',
      digits: content.digits ?? null,
    };
    if (kind !== 'status') world.judge.limits.asked({ ...question, at: askedAt });
    const response = await life.orDeath(handled()).catch((error: unknown): WebhookResponse => {
      if (error instanceof MasklineError)
        return { status: error.code.includes('AUTHENTIC') ? 401 : 503, body: '' };
      if (!life.alive) throw error;
      world.fail('webhook', error);
      return { status: 503, body: '' };
    });
    await world.observe();
    world.trace.note(`${life.name} ${kind} ${id} ${response.status} ${response.body}`);
    const arrived = response.status === 200;
    if (kind === 'status') {
      if (arrived && content.event === 'ended') world.judge.reportedEnd.set(id, world.clock.now());
      return response;
    }
    if (!arrived) return response;
    const asked: Asked = {
      ...question,
      askedAt,
      answeredAt: world.clock.now(),
      body: response.body,
      replica: life.name,
      skewMs,
      excused: life.struck !== struck || world.weather.databaseFull || world.weather.databaseDown,
      illegitimate: options.illegitimate ?? false,
    };
    this.asked.push(asked);
    // The exchange takes whatever is thrown here for an answer that never came.
    try {
      world.judge.hear(asked);
    } catch (error) {
      throw world.broken(error);
    }
    return response;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(new Error('The operator did not wait any longer.'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  });
}
