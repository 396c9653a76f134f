import Type, { type Static } from 'typebox';
import { configReader, SWITCH_PASSWORD } from '../switch-password.ts';

/**
 * What an account of a FreeSWITCH needs besides its password.
 * - `module`: which of its modules asks, `xml_curl` (the dialplan itself) or `httapi` (an application in it).
 * - `gateway`: the Sofia gateway that leads to the trunk.
 * - `context`: the dialplan context that asks; `xml_curl` takes an answer for this one only.
 */
export const FreeswitchConfigSchema = Type.Object(
  {
    ...SWITCH_PASSWORD,
    module: Type.Union([Type.Literal('xml_curl'), Type.Literal('httapi')]),
    gateway: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' }),
    context: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' })),
  },
  { additionalProperties: false },
);
export type FreeswitchConfig = Readonly<Static<typeof FreeswitchConfigSchema>>;

/** @throws Error that names every violation, and no value */
export const readFreeswitchConfig = configReader(FreeswitchConfigSchema, 'FreeSWITCH');
