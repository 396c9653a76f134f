import Type, { type Static } from 'typebox';

const Milliseconds = Type.Integer({ minimum: 0, maximum: 3_600_000 });
const Common = {
  /** how it is removed again; the type, unless said otherwise */
  name: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })),
  /** `upstream` is from the client to the server */
  stream: Type.Optional(Type.Union([Type.Literal('upstream'), Type.Literal('downstream')])),
  /** the share of connections that it befalls */
  toxicity: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
};

/**
 * What can be done to a way through the proxy, in the words of Toxiproxy (https://github.com/Shopify/toxiproxy, README).
 * Its eighth, `down`, is a state of the proxy itself: `enabled: false`.
 */
export const ToxicSettings = Type.Union([
  Type.Object({
    ...Common,
    type: Type.Literal('latency'),
    attributes: Type.Object({ latency: Milliseconds, jitter: Type.Optional(Milliseconds) }),
  }),
  Type.Object({
    ...Common,
    type: Type.Literal('bandwidth'),
    attributes: Type.Object({
      /** kilobytes in a second */
      rate: Type.Integer({ minimum: 1, maximum: 10_000_000 }),
    }),
  }),
  Type.Object({
    ...Common,
    type: Type.Literal('slow_close'),
    attributes: Type.Object({ delay: Milliseconds }),
  }),
  Type.Object({
    ...Common,
    type: Type.Literal('timeout'),
    attributes: Type.Object({
      /** after which the connection is closed; 0: never, a black hole */
      timeout: Milliseconds,
    }),
  }),
  Type.Object({
    ...Common,
    type: Type.Literal('reset_peer'),
    attributes: Type.Object({ timeout: Milliseconds }),
  }),
  Type.Object({
    ...Common,
    type: Type.Literal('slicer'),
    attributes: Type.Object({
      /** bytes */
      average_size: Type.Integer({ minimum: 1, maximum: 65_536 }),
      size_variation: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_536 })),
      /** microseconds between two slices */
      delay: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000_000 })),
    }),
  }),
  Type.Object({
    ...Common,
    type: Type.Literal('limit_data'),
    attributes: Type.Object({ bytes: Type.Integer({ minimum: 0, maximum: 1_000_000_000 }) }),
  }),
]);
export type ToxicSettings = Static<typeof ToxicSettings>;

export type Stream = 'upstream' | 'downstream';

export type Toxic = ToxicSettings & {
  readonly name: string;
  readonly stream: Stream;
  readonly toxicity: number;
};

export function toToxic(settings: ToxicSettings): Toxic {
  return {
    ...settings,
    name: settings.name ?? settings.type,
    stream: settings.stream ?? 'downstream',
    toxicity: settings.toxicity ?? 1,
  };
}
