import { expect, it } from 'vitest';
import { ManualClock } from '../lib/manual-clock.ts';
import { providerFactories } from '../provider-factories.ts';

const FACTORIES = providerFactories({ clock: new ManualClock() });
const WRONG = { passwort: 'hush', '+12025550123': 'hush' };

function refusalOf(name: string, account: { settings: unknown; credentials: unknown }): string {
  try {
    FACTORIES.get(name)?.(account);
    return 'nothing';
  } catch (error) {
    return String(error);
  }
}

it.each([...FACTORIES.keys()])(
  '%s: names a credential that nobody knows, once and without a value',
  (name) => {
    const said = refusalOf(name, { settings: {}, credentials: WRONG });
    expect(said).toContain('credentials must not have additional properties: passwort is not known');
    expect(said).not.toMatch(/schema is false|hush|2025550123/);
  },
);

it.each(['twilio', 'exotel', 'telnyx', 'vonage'])('%s: names a setting that nobody knows', (name) => {
  const said = refusalOf(name, { settings: WRONG, credentials: {} });
  expect(said).toContain('settings must not have additional properties: passwort is not known');
  expect(said).not.toMatch(/schema is false|hush|2025550123/);
});
