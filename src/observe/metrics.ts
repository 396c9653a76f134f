import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Every metric by name. Labels come from closed sets; none holds a phone number or a name of a person. */
export interface Metrics {
  readonly registry: Registry;
  readonly decisions: Counter<'kind' | 'reason'>;
  readonly decisionSeconds: Histogram<'kind'>;
  readonly sessionsOpened: Counter<'pool'>;
  readonly sessionsClosed: Counter<'pool' | 'reason'>;
  readonly sessionsPending: Counter<'pool'>;
  readonly allocationConflicts: Counter<'pool'>;
  readonly callCapOpen: Gauge<'tenant' | 'account'>;
  readonly webhooksRefused: Counter<'cause'>;
  readonly webhooksShed: Counter<'kind'>;
  readonly provisioned: Counter<'pool' | 'outcome'>;
  readonly providerFailures: Counter<'account' | 'code'>;
  readonly commandsRefused: Counter<'account' | 'code'>;
  readonly providerBreakerOpen: Gauge<'account'>;
  readonly numbersMissing: Gauge<'account'>;
  readonly eventsConsumed: Counter<'type' | 'outcome'>;
  readonly deadLetters: Counter<'reason'>;
  readonly eventRetries: Counter<'type' | 'cause'>;
  readonly expunged: Counter<'kind'>;
  readonly consumerLag: Gauge;
  readonly outboxSize: Gauge;
  readonly outboxAgeSeconds: Gauge;
  readonly outboxPublished: Counter;
  readonly httpSeconds: Histogram<'method' | 'route' | 'status'>;
}

export interface MetricsOptions {
  readonly processMetrics?: boolean;
  /** how many log lines were lost since the start */
  readonly droppedLogLines?: () => number;
}

export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (options.processMetrics) collectDefaultMetrics({ register: registry });
  const { droppedLogLines } = options;
  if (droppedLogLines) {
    new Counter({
      name: 'maskline_log_lines_dropped_total',
      help: 'Log lines that could not be written, because the disk was full or nobody read them.',
      registers,
      collect() {
        this.reset();
        this.inc(droppedLogLines());
      },
    });
  }
  const counter = <L extends string>(name: string, help: string, labelNames: L[]): Counter<L> =>
    new Counter({ name: `maskline_${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `maskline_${name}`, help, registers });
  return {
    registry,
    decisions: counter('route_decisions_total', 'Route decisions by kind and reason.', ['kind', 'reason']),
    decisionSeconds: new Histogram({
      name: 'maskline_route_decision_seconds',
      help: 'From the question to the decision.',
      labelNames: ['kind'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.4, 1],
      registers,
    }),
    sessionsOpened: counter('sessions_opened_total', 'Sessions that got their virtual numbers.', ['pool']),
    sessionsClosed: counter('sessions_closed_total', 'Sessions that ended, by reason.', ['pool', 'reason']),
    sessionsPending: counter('sessions_pending_total', 'Sessions that found no virtual number at first.', [
      'pool',
    ]),
    allocationConflicts: counter(
      'allocation_conflicts_total',
      'Choices that somebody else was quicker with.',
      ['pool'],
    ),
    callCapOpen: new Gauge({
      name: 'maskline_call_cap_open',
      help: '1 while a cap on calls or minutes is reached, so that nothing is connected; without an account, the whole tenant.',
      labelNames: ['tenant', 'account'],
      registers,
    }),
    webhooksRefused: counter('webhooks_refused_total', 'Webhooks that were not authentic, by cause.', [
      'cause',
    ]),
    webhooksShed: counter(
      'webhooks_shed_total',
      'Webhooks that were turned away at once because more came than could be answered in time.',
      ['kind'],
    ),
    provisioned: counter('virtual_numbers_provisioned_total', 'Purchases of virtual numbers, by outcome.', [
      'pool',
      'outcome',
    ]),
    providerFailures: counter(
      'provider_failures_total',
      'Requests to providers that failed, by account and kind of failure.',
      ['account', 'code'],
    ),
    commandsRefused: counter(
      'provider_commands_refused_total',
      'Decisions that a provider refused to carry out for good, by account and cause; opted_out: the person has said STOP.',
      ['account', 'code'],
    ),
    providerBreakerOpen: new Gauge({
      name: 'maskline_provider_breaker_open',
      help: '1 while nothing is bought from the account because it fails.',
      labelNames: ['account'],
      registers,
    }),
    numbersMissing: new Gauge({
      name: 'maskline_virtual_numbers_missing',
      help: 'Numbers that we hold and the provider did not list at the last look.',
      labelNames: ['account'],
      registers,
    }),
    eventsConsumed: counter('events_consumed_total', 'Order events, by type and outcome.', [
      'type',
      'outcome',
    ]),
    deadLetters: counter('dead_letters_total', 'Messages that could not be processed, by reason.', [
      'reason',
    ]),
    eventRetries: counter('event_retries_total', 'Order events that are tried again, by type and cause.', [
      'type',
      'cause',
    ]),
    expunged: counter('history_expunged_total', 'Rows of history that were past their time, by kind.', [
      'kind',
    ]),
    consumerLag: gauge(
      'consumer_lag',
      'Order events that wait, over all replicas; NaN when it is not known.',
    ),
    outboxSize: gauge('outbox_size', 'Events that wait to be published.'),
    outboxAgeSeconds: gauge('outbox_age_seconds', 'For how long the oldest of them has waited.'),
    outboxPublished: counter('outbox_published_total', 'Events that this replica has published.', []),
    httpSeconds: new Histogram({
      name: 'maskline_http_request_seconds',
      help: 'HTTP requests by route template.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    }),
  };
}
