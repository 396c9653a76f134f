import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Bus } from '../../../src/bus/bus.ts';
import type { Clock } from '../../../src/lib/clock.ts';
import type { Random } from '../../../src/lib/random.ts';
import { ChangeNotices } from './change-notices.ts';
import { type DeliveryContext, openStores } from './delivery-context.ts';
import { startMaskingConsumer } from './events/consume-masking.ts';
import { startOutboxPublisher } from './events/publish-outbox.ts';
import { createMasklineApi, type MasklineApi } from './maskline-api.ts';
import { registerPages } from './pages/page-routes.ts';
import { sendHtml } from './pages/send-html.ts';
import { waitPage } from './pages/wait-page.ts';
import { createPhoneNetwork, type PhoneNetwork } from './phones/phone-network.ts';
import { PhoneWatch } from './phones/phone-watch.ts';
import { DeliveryError, registerProblems, toProblem } from './problem.ts';
import { eventRoutes } from './routes/event-routes.ts';
import { EventStreams } from './routes/event-stream.ts';
import { insightRoutes } from './routes/insight-routes.ts';
import { orderRoutes } from './routes/order-routes.ts';
import { phoneRoutes } from './routes/phone-routes.ts';
import { profileDirectoryRoute } from './routes/profile-directory-route.ts';
import { profileRoutes } from './routes/profile-routes.ts';
import { seedProfiles } from './seed-profiles.ts';
import { openDatabase } from './store/database.ts';
import { WakeUp } from './wake-up.ts';

const BODY_BYTES_MAXIMUM = 16 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

export interface DeliveryOptions {
  readonly host: string;
  /** 0 takes any free port */
  readonly port: number;
  /** path of the SQLite file that holds both stores, or `:memory:` */
  readonly stateFile: string;
  readonly bus: Bus;
  readonly topics: { readonly orders: string; readonly masking: string };
  /** the Maskline pool that orders draw their virtual numbers from */
  readonly pool: string;
  readonly masklineUrl: string;
  readonly masklineApiKey: string;
  readonly simulatorUrl: string;
  /** what the Profile directory's caller must bear; never empty */
  readonly profileToken: string;
  readonly clock: Clock;
  readonly random: Random;
  /** where the built pages are, or will be once `pagesReady` resolves */
  readonly assetsDir: string;
  readonly pagesReady: Promise<void>;
  readonly log: FastifyBaseLogger;
}

export interface Delivery {
  /** `http://host:port`, without a slash at the end */
  readonly url: string;
  /**
   * Ends the live streams and the consumers, lets the requests in hand finish and closes the stores. Stopping
   * twice is safe.
   */
  stop(): Promise<void>;
}

/**
 * Starts the delivery company: Orders service, Profile store and pages, on one port. It knows Maskline by its
 * public REST API and its events, and the phone network by its HTTP API, and nothing else of either.
 */
export async function startDelivery(options: DeliveryOptions): Promise<Delivery> {
  const { bus, topics, log } = options;
  if (options.profileToken === '')
    throw new Error('The profile token is empty: everybody could read profiles.');

  const database = openDatabase(options.stateFile);
  const context: DeliveryContext = {
    stores: openStores(database),
    clock: options.clock,
    random: options.random,
    pool: options.pool,
    outboxFilled: new WakeUp(),
    notices: new ChangeNotices(),
  };
  seedProfiles(context);

  const network = createPhoneNetwork({ url: options.simulatorUrl });
  const maskline = createMasklineApi({ url: options.masklineUrl, apiKey: options.masklineApiKey });
  const phones = new PhoneWatch({ context, network, log });
  const streams = new EventStreams(options.clock);
  const app = await createApp(options, { context, maskline, network, phones, streams });

  const url = await app.listen({ host: options.host, port: options.port }).catch((error: unknown) => {
    database.close();
    throw error;
  });
  const publisher = startOutboxPublisher(context, { bus, topic: topics.orders, log });
  const consumer = startMaskingConsumer(context, { bus, topic: topics.masking, log });

  async function shutDown(): Promise<void> {
    streams.closeAll();
    phones.stop();
    await app.close();
    await Promise.all([publisher.stop(), consumer.stop()]);
    database.close();
  }
  let stopping: Promise<void> | null = null;
  return {
    url,
    stop() {
      stopping ??= shutDown();
      return stopping;
    },
  };
}

interface Parts {
  readonly context: DeliveryContext;
  readonly maskline: MasklineApi;
  readonly network: PhoneNetwork;
  readonly phones: PhoneWatch;
  readonly streams: EventStreams;
}

async function createApp(options: DeliveryOptions, parts: Parts): Promise<FastifyInstance> {
  const { context } = parts;
  const app = Fastify({
    loggerInstance: options.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAXIMUM,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // Strict on purpose: what does not fit the schema is refused, neither bent nor dropped.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false } },
  }) as unknown as FastifyInstance;
  registerProblems(app);
  acceptJsonOnly(app);
  refuseOtherSites(app);
  app.setNotFoundHandler((request, reply) => {
    if (request.method === 'GET' && request.headers.accept?.includes('text/html'))
      return sendHtml(reply.code(404), waitPage('missing'));
    const problem = toProblem('DELIVERY_NOT_FOUND', 'Check the method and the address.');
    return reply.code(problem.status).type('application/problem+json').send(problem);
  });

  await app.register(profileRoutes(context));
  await app.register(orderRoutes(context));
  await app.register(insightRoutes(context, parts.maskline));
  await app.register(phoneRoutes(context, parts.network));
  await app.register(eventRoutes(context, parts));
  await app.register(profileDirectoryRoute(context, options.profileToken));
  await registerPages(app, options);
  return app;
}

/** Fastify reads text/plain too, which any web site may send without asking. An empty body is no body. */
function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') done(null, null);
    else parseJson(request, body, done);
  });
}

/** Browsers say where a request comes from; a page of another site may read nothing and change nothing. */
function refuseOtherSites(app: FastifyInstance): void {
  app.addHook('onRequest', async (request) => {
    if (request.headers['sec-fetch-site'] === 'cross-site' && request.method !== 'GET')
      throw new DeliveryError('DELIVERY_CROSS_SITE', 'Open the page of the delivery company itself.');
  });
}
