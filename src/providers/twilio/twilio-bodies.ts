import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { type Capability, toVirtualNumber, VIRTUAL_NUMBER_PATTERN } from '../../domain/virtual-number.ts';
import { type NumberHeld, type NumberOnSale, ProviderError } from '../provider.ts';

// Of what Twilio answers, the part that is read. Unknown fields pass: a vendor adds some without asking.

const Text = Type.String({ maxLength: 2_000 });
const OptionalText = Type.Optional(Type.Union([Text, Type.Null()]));
const NumberText = Type.String({ pattern: VIRTUAL_NUMBER_PATTERN });
const Sid = Type.String({ minLength: 1, maxLength: 100 });
/** `SMS` in a search, `sms` of a number that is held */
const Capabilities = Type.Record(Type.String(), Type.Union([Type.Boolean(), Type.Null()]));

const AvailableNumber = Type.Object({ phone_number: NumberText, capabilities: Capabilities });
const IncomingNumber = Type.Object({ sid: Sid, phone_number: NumberText, capabilities: Capabilities });

const AvailableList = Type.Object({ available_phone_numbers: Type.Array(AvailableNumber) });
const IncomingList = Type.Object({
  incoming_phone_numbers: Type.Array(IncomingNumber),
  next_page_uri: OptionalText,
});

/** Where a number points, as a reader gets it; also what is kept to be put back. */
const PointsTo = Type.Object({
  voice_url: OptionalText,
  voice_method: OptionalText,
  voice_fallback_url: OptionalText,
  voice_fallback_method: OptionalText,
  voice_application_sid: OptionalText,
  trunk_sid: OptionalText,
  sms_url: OptionalText,
  sms_method: OptionalText,
  sms_fallback_url: OptionalText,
  sms_application_sid: OptionalText,
  status_callback: OptionalText,
  status_callback_method: OptionalText,
});
export type PointsTo = Static<typeof PointsTo>;
const PointedNumber = Type.Intersect([IncomingNumber, PointsTo]);

const Call = Type.Object({
  sid: Sid,
  status: Text,
  end_time: OptionalText,
  duration: OptionalText,
});
const CallList = Type.Object({ calls: Type.Array(Call) });
export type TwilioCall = Static<typeof Call>;

export const isAvailableList = checker(AvailableList);
export const isIncomingNumber = checker(IncomingNumber);
export const isIncomingList = checker(IncomingList);
export const isPointedNumber = checker(PointedNumber);
export const isPointsTo = checker(PointsTo);
export const isCall = checker(Call);
export const isCallList = checker(CallList);

export function toNumberOnSale(body: Static<typeof AvailableNumber>): NumberOnSale {
  const virtualNumber = toVirtualNumber(body.phone_number);
  if (!virtualNumber) throw new ProviderError('unavailable', 'The provider named a number that is none.');
  return { virtualNumber, capabilities: toCapabilities(body.capabilities) };
}

export function toNumberHeld(body: Static<typeof IncomingNumber>): NumberHeld {
  return { ...toNumberOnSale(body), providerNumberId: body.sid };
}

/** Where a number points, and nothing else of it; only what the provider knows of. */
export function pointsToOf(body: PointsTo): PointsTo {
  const kept = Object.keys(PointsTo.properties);
  return Object.fromEntries(Object.entries(body).filter(([name]) => kept.includes(name)));
}

function toCapabilities(flags: Static<typeof Capabilities>): readonly Capability[] {
  const able = new Set(
    Object.entries(flags)
      .filter(([, can]) => can === true)
      .map(([name]) => name.toLowerCase()),
  );
  return (['voice', 'sms'] as const).filter((capability) => able.has(capability));
}

function checker<S extends TSchema>(schema: S): (json: unknown) => json is Static<S> {
  const validator = Compile(schema);
  return (json): json is Static<S> => validator.Check(json);
}
