import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { CallRecordView, StockView } from './api-types.ts';
import { outsideRequest } from './outside-request.ts';
import { DeliveryError } from './problem.ts';

const TIMEOUT_MS = 5_000;
const CALL_RECORDS_LIMIT = 50;

const OptionalInteger = Type.Optional(Type.Union([Type.Integer(), Type.Null()]));

const Pool = Compile(
  Type.Object({
    name: Type.String(),
    mode: Type.String(),
    stock: Type.Optional(
      Type.Union([
        Type.Object({ lowWater: OptionalInteger, target: OptionalInteger, max: OptionalInteger }),
        Type.Null(),
      ]),
    ),
    stockNow: Type.Object({
      inService: Type.Integer(),
      idle: Type.Integer(),
      allocated: Type.Integer(),
      resting: Type.Integer(),
    }),
  }),
);

const NullableText = Type.Union([Type.String(), Type.Null()]);

const CallRecords = Compile(
  Type.Object({
    data: Type.Array(
      Type.Object({
        id: Type.String(),
        callingRole: NullableText,
        calledRole: NullableText,
        virtualNumber: Type.String(),
        callerId: NullableText,
        decision: Type.String(),
        reason: Type.String(),
        state: Type.String(),
        startedAt: Type.String(),
        durationSeconds: Type.Union([Type.Number(), Type.Null()]),
      }),
    ),
  }),
);

/** The two questions that we ask Maskline's public REST API. Everything else travels in events. */
export interface MasklineApi {
  /** @throws DeliveryError DELIVERY_MASKLINE_UNAVAILABLE */
  stockOf(pool: string): Promise<StockView>;
  /** Newest calls of an order. @throws DeliveryError DELIVERY_MASKLINE_UNAVAILABLE */
  callsOf(orderId: string): Promise<CallRecordView[]>;
}

export function createMasklineApi(options: { readonly url: string; readonly apiKey: string }): MasklineApi {
  async function get(path: string): Promise<unknown> {
    const { status, json } = await outsideRequest({
      baseUrl: options.url,
      path,
      headers: { authorization: `Bearer ${options.apiKey}` },
      timeoutMs: TIMEOUT_MS,
      unavailable: 'DELIVERY_MASKLINE_UNAVAILABLE',
    });
    if (status === 200) return json;
    throw new DeliveryError('DELIVERY_MASKLINE_UNAVAILABLE', `It answered ${status}.`);
  }

  return {
    async stockOf(pool) {
      const json = await get(`/v1/pools/${encodeURIComponent(pool)}`);
      if (!Pool.Check(json)) throw unreadable();
      const { name, mode, stock, stockNow } = json;
      const { inService, idle, allocated, resting } = stockNow;
      return {
        pool: name,
        mode,
        lowWater: stock?.lowWater ?? null,
        target: stock?.target ?? null,
        max: stock?.max ?? null,
        now: { inService, idle, allocated, resting },
      };
    },
    async callsOf(orderId) {
      const query = new URLSearchParams({ reference: orderId, limit: String(CALL_RECORDS_LIMIT) });
      const json = await get(`/v1/calls?${query}`);
      if (!CallRecords.Check(json)) throw unreadable();
      return json.data.map((call) => ({
        id: call.id,
        callingRole: call.callingRole,
        calledRole: call.calledRole,
        virtualNumber: call.virtualNumber,
        callerId: call.callerId,
        decision: call.decision,
        reason: call.reason,
        state: call.state,
        startedAt: call.startedAt,
        durationSeconds: call.durationSeconds,
      }));
    },
  };
}

function unreadable(): DeliveryError {
  return new DeliveryError('DELIVERY_MASKLINE_UNAVAILABLE', 'Its answer is not what its contract says.');
}
