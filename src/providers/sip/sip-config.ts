import { BlockList, isIP } from 'node:net';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { configViolations } from '../config-violations.ts';

/**
 * What an account of a SIP edge needs, all of it credentials.
 * - `password`: of the edge, at our webhooks; the user name is `edge`.
 * - `previousPassword`: accepted as well while a rotation is under way; remove it afterwards.
 * - `sourceAddresses`: addresses or networks (`192.0.2.7`, `192.0.2.0/24`) that the edge asks from. Left out, any may.
 */
export const SipConfigSchema = Type.Object(
  {
    password: Type.String({ minLength: 16, maxLength: 256 }),
    previousPassword: Type.Optional(Type.String({ minLength: 16, maxLength: 256 })),
    sourceAddresses: Type.Optional(
      Type.Array(Type.String({ maxLength: 50 }), { minItems: 1, maxItems: 100 }),
    ),
  },
  { additionalProperties: false },
);
export type SipConfig = Readonly<Static<typeof SipConfigSchema>>;

const validator = Compile(SipConfigSchema);

/** @throws Error that names every violation, and no value */
export function readSipConfig(value: unknown): SipConfig {
  if (!validator.Check(value)) {
    const violations = configViolations('credentials', validator.Errors(value));
    throw new Error(`The SIP account is not configured: ${violations.join('; ')}.`);
  }
  toBlockList(value.sourceAddresses ?? []);
  return Object.freeze({ ...value });
}

/** @throws Error that says which entry is no address, by its place */
export function toBlockList(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  addresses.forEach((text, place) => {
    const [address = '', prefix, ...more] = text.split('/');
    const version = isIP(address);
    const bits = version === 6 ? 128 : 32;
    const length = prefix === undefined ? bits : Number(prefix);
    const whole = prefix === undefined || /^\d{1,3}$/.test(prefix);
    if (version === 0 || !whole || length > bits || more.length > 0) {
      throw new Error(
        `The SIP account is not configured: /sourceAddresses/${place} is no address or network.`,
      );
    }
    list.addSubnet(address, length, version === 6 ? 'ipv6' : 'ipv4');
  });
  return list;
}
