import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Registry } from 'prom-client';
import { ERRORS, type ErrorCode, MasklineError } from '../domain/errors.ts';

/** Whether a call could be decided now, and what speaks against it. Shown to anybody: no secrets, no hosts. */
export interface ReadyReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string }>>;
}

export interface ProbeOptions {
  readonly registry: Registry;
  readonly ready: () => Promise<ReadyReport>;
}

/** What machines ask about the service itself, without a key: alive, ready, metrics, and what an error means. */
export function mountProbes(http: FastifyInstance, { registry, ready }: ProbeOptions): void {
  const hidden = { schema: { hide: true } };
  // Some load balancers ask with HEAD.
  const probe = { ...hidden, method: ['GET', 'HEAD'] };
  http.route({ ...probe, url: '/healthz', handler: async () => ({ status: 'ok' }) });
  http.route({ ...probe, url: '/readyz', handler: (_request, reply) => answerReady(reply, ready) });
  http.get('/metrics', hidden, async (_request, reply) => {
    return reply.header('content-type', registry.contentType).send(await registry.metrics());
  });
  http.get<{ Params: { code: string } }>('/errors/:code', hidden, async (request) => {
    const { code } = request.params;
    if (!isErrorCode(code)) throw new MasklineError('MASK_NOT_FOUND', 'There is no error by that code.');
    return { code, ...ERRORS[code] };
  });
}

async function answerReady(reply: FastifyReply, ready: ProbeOptions['ready']): Promise<FastifyReply> {
  const report = await ready().catch(
    (): ReadyReport => ({ ready: false, checks: { report: { ok: false, detail: 'It could not be made.' } } }),
  );
  return reply.code(report.ready ? 200 : 503).send(report);
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}
