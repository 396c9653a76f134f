import Type, { type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { Capability } from '../../domain/virtual-number.ts';
import { type NumberHeld, type NumberOnSale, ProviderError } from '../provider.ts';
import type { ExotelAccount } from './exotel-config.ts';
import { calledNumber } from './exotel-webhooks.ts';

// Of what Exotel answers, the part that is read. Unknown fields pass.

const Text = Type.String({ maxLength: 2_000 });
const OptionalText = Type.Optional(Type.Union([Text, Type.Null()]));
const NumberText = Type.String({ minLength: 5, maxLength: 32 });
const Capabilities = Type.Object({ voice: Type.Boolean(), sms: Type.Boolean() });

const AvailableNumber = Type.Object({ phone_number: NumberText, capabilities: Capabilities });
/** The documents show the fields of one number, and not what the list of them is wrapped in. */
const AvailableList = Type.Union([
  Type.Array(AvailableNumber),
  Type.Object({ available_phone_numbers: Type.Array(AvailableNumber) }),
]);

const HeldNumber = Type.Object({
  sid: Type.String({ minLength: 1, maxLength: 100 }),
  phone_number: NumberText,
  capabilities: Capabilities,
});
const HeldList = Type.Object({
  incoming_phone_numbers: Type.Array(HeldNumber),
  next_page_uri: OptionalText,
});

/** The flows that a number is assigned to; also what is kept to be put back. */
const Flows = Type.Object({ voice_url: OptionalText, sms_url: OptionalText });
const PointedNumber = Type.Intersect([HeldNumber, Flows]);

const CallBody = Type.Object({
  Call: Type.Object({
    Status: Text,
    EndTime: OptionalText,
    Details: Type.Optional(
      Type.Union([
        Type.Object({
          ConversationDuration: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Text, Type.Null()])),
          Leg2Status: OptionalText,
        }),
        Type.Null(),
      ]),
    ),
  }),
});
export type ExotelCall = Static<typeof CallBody>['Call'];

const SentText = Type.Object({ SMSMessage: Type.Object({ Sid: Text, Status: Text }) });

export const isAvailableList = checker(AvailableList);
export const isHeldNumber = checker(HeldNumber);
export const isHeldList = checker(HeldList);
export const isFlows = checker(Flows);
export const isPointedNumber = checker(PointedNumber);
export const isCallBody = checker(CallBody);
export const isSentText = checker(SentText);

export function availableNumbers(
  list: Static<typeof AvailableList>,
): readonly Static<typeof AvailableNumber>[] {
  return 'available_phone_numbers' in list ? list.available_phone_numbers : list;
}

export function toNumberOnSale(body: Static<typeof AvailableNumber>, account: ExotelAccount): NumberOnSale {
  const virtualNumber = calledNumber(body.phone_number, account);
  if (!virtualNumber) throw new ProviderError('unavailable', 'Exotel named a number that is none.');
  const capabilities: readonly Capability[] = (['voice', 'sms'] as const).filter(
    (each) => body.capabilities[each],
  );
  return { virtualNumber, capabilities };
}

export function toNumberHeld(body: Static<typeof HeldNumber>, account: ExotelAccount): NumberHeld {
  return { ...toNumberOnSale(body, account), providerNumberId: body.sid };
}

function checker<S extends TSchema>(schema: S): (json: unknown) => json is Static<S> {
  const validator = Compile(schema);
  return (json): json is Static<S> => validator.Check(json);
}
