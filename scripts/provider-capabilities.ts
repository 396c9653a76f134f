import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../src/lib/clock.ts';
import { providerFactories } from '../src/provider-factories.ts';
import type { Provider, ProviderCapabilities } from '../src/providers/provider.ts';
import { assertProven } from '../src/providers/provider-accounts.ts';

const TOKEN = '0123456789abcdef0123456789abcdef';
const SWITCH = { credentials: { password: TOKEN } };

/** The least that an adapter wants before it says what it can do. Nothing of it is anybody's. */
const EXAMPLES: Readonly<Record<string, readonly { settings?: object; credentials: object }[]>> = {
  simulator: [{ credentials: { baseUrl: 'http://127.0.0.1:8081', sharedSecret: TOKEN } }],
  twilio: [{ credentials: { accountSid: `AC${TOKEN}`, authToken: TOKEN } }],
  signalwire: [
    {
      settings: { baseUrl: 'https://example.signalwire.com' },
      credentials: { projectId: '01234567-89ab-cdef-0123-456789abcdef', apiToken: TOKEN, signingKey: TOKEN },
    },
  ],
  exotel: [
    {
      settings: {
        voiceFlowUrl: 'http://my.exotel.com/example/exoml/start_voice/1',
        sourceAddresses: ['192.0.2.1'],
      },
      credentials: {
        accountSid: 'example',
        apiKey: TOKEN,
        apiToken: TOKEN,
        webhookUser: 'exotel',
        webhookPassword: TOKEN,
      },
    },
  ],
  plivo: [{ credentials: { authId: 'MA0123456789ABCDEF01', authToken: `${TOKEN}01234567` } }],
  vonage: [{ credentials: { apiKey: '0123abcd', apiSecret: TOKEN, signatureSecret: TOKEN } }],
  telnyx: [
    {
      settings: { outboundVoiceProfileId: '1234567890123456789' },
      credentials: { apiKey: `KEY${TOKEN}`, publicKey: `${'A'.repeat(43)}=` },
    },
  ],
  sip: [SWITCH],
  asterisk: [SWITCH],
  freeswitch: [{ credentials: { password: TOKEN, module: 'httapi', gateway: 'carrier' } }],
  jambonz: [{ credentials: { webhookSecret: TOKEN, password: TOKEN } }],
};

const yes = (has: boolean): string => (has ? 'yes' : 'no');

const ROWS: readonly (readonly [string, (c: ProviderCapabilities, p: Provider) => string])[] = [
  [
    'a call is routed by',
    (c) => (c.answer === 'in_response' ? 'the answer to the webhook' : 'a second REST call'),
  ],
  [
    'webhooks are proven by',
    (c) => c.authenticityFactors.map((factor) => factor.replaceAll('_', ' ')).join(', '),
  ],
  ['refuses unanswered, unbilled', (c) => yes(c.rejectUnanswered)],
  ['cuts calls at `maxCallSeconds`', (c) => yes(c.maxDuration)],
  ['asks for a PIN', (c) => yes(c.collectPin)],
  ['attestation (STIR/SHAKEN)', (c) => yes(c.attestation)],
  ['records, after consent', (c) => yes(c.recording)],
  ['reports progress', (c) => yes(c.statusCallbacks)],
  ['says later how a call ended', (_, p) => yes(p.fetchCallEnd !== undefined)],
  [
    'texts',
    (c) =>
      c.messages
        ? `relayed ${c.messageRelay === 'in_response' ? 'in the answer' : c.messageRelay === 'by_command' ? 'by a REST call' : 'by nothing'}`
        : 'no',
  ],
  [
    'numbers',
    (c) =>
      c.provisioning === 'none'
        ? 'imported'
        : c.provisioning === 'immediate'
          ? 'bought at once'
          : 'ordered, then had',
  ],
];

/** docs/providers/README.md: what each adapter says of itself. */
export function providersPage(doNotEdit: string): string {
  const factories = providerFactories({ clock: systemClock });
  const providers = [...factories.keys()].sort().map((name) => {
    const [example] = EXAMPLES[name] ?? [];
    const factory = factories.get(name);
    if (!example || !factory) {
      throw new Error(
        `Provider "${name}" is new: give it an example account in scripts/provider-capabilities.ts.`,
      );
    }
    const provider = factory({ settings: example.settings ?? {}, credentials: example.credentials });
    assertProven(name, provider);
    return { name, provider };
  });
  const pages = new Set(readdirSync(fileURLToPath(new URL('../docs/providers/', import.meta.url))));
  const heading = providers.map(({ name }) => (pages.has(`${name}.md`) ? `[${name}](${name}.md)` : name));
  const lines = ROWS.map(
    ([what, of]) =>
      `| ${what} | ${providers.map(({ provider }) => of(provider.capabilities, provider)).join(' | ')} |`,
  );
  return `# Providers

${doNotEdit}

What each adapter declares, and what the rest of Maskline asks instead of a provider's name.

| | ${heading.join(' | ')} |
|---|${providers.map(() => '---|').join('')}
${lines.join('\n')}

${RULES}`;
}

const RULES = `## What holds for all of them

- **Two proofs.** An account whose webhooks are proven by fewer than two factors is refused when it is added and when it is
  loaded: an ERROR at the start of the service says so. The secret path segment of the webhook URLs is one; the URLs are shown once, by \`maskline providers add\`.
- **A bridge shows a virtual number of the account that carries the call.** The numbers of one session are therefore always
  of one account, however many accounts its pool buys from.
- **Failover.** \`stock.fallbackAccounts\` of a pool are bought from while those before them cannot deliver. An account
  that fails five times in a row is left alone for 15 to 60 seconds at a time (event \`provider_account.unavailable\`,
  metric \`maskline_provider_breaker_open\`); sessions that run over its numbers go on. One that answers 429 is asked again
  when its \`Retry-After\` is over.
- **Budgets.** An account buys at most 5,000 numbers in 30 days, and buys and gives back at most 10,000, unless
  \`maskline providers budget\` says otherwise.
- **A lost answer** to a purchase is found again in the provider's list, before anything more is bought.
- **A number that vanishes** at the provider is suspended within ten minutes (\`virtual_number.suspended\`, reason
  \`not_at_provider\`): nothing allocates it, calls to it are answered neutrally, and its open sessions get other numbers
  (\`session.opened\` once more) or wait for some. When more than a fifth of an account's numbers and five are missing at
  once, nothing is withdrawn and the log says so: such a list is more likely wrong than true.
- **Giving back.** A number goes back when it is idle, has rested and is in no call; \`draining\` ones go by themselves. One
  that was imported with \`maskline numbers import\` stays at the provider, with the webhooks that it had before. They
  are written down before they are changed; an import that broke off, at whatever point, is run again, or its number given back.
- **Another address.** After a change of \`MASKLINE_PUBLIC_URL\`, or when somebody has pointed numbers elsewhere,
  \`maskline numbers sync --account … --repoint\` points all of them at us again.
- **A call whose end is not reported** is asked about every four minutes, where the provider can say; else it is closed two
  minutes after the longest that it may have lasted, as \`unreported\`, with an estimated duration.

## Attestation

\`attestation\` of a pool says what STIR/SHAKEN must say of a caller. The verdict is read from the authenticated part of
the webhook only, and kept in the call record whatever the policy.

| | A | B, C | failed | nothing said |
|---|---|---|---|---|
| \`ignore\` (default) | connected | connected | connected | connected |
| \`prefer\` | connected | connected | refused | connected |
| \`require\` | connected | refused | refused | refused |

A refusal is \`caller_not_verified\` in the record and the neutral sentence to the caller. Under \`prefer\` a failed
verification is refused because it is evidence: somebody signed a number that is not theirs, or changed what was signed.
Silence is none: most calls of the world carry no attestation, and it is essentially a matter of the USA and Canada.
Texts carry none at all, so the policy is not asked about them.

## Recording

Nothing is recorded unless the pool has \`recording: { "consent": "…" }\`, and then after both have heard the sentence. That is
possible where the provider plays a sentence to both by itself (Exotel: \`start_call_playback\`). Elsewhere the caller could be
told by the answer to the webhook, and the callee only by one more URL that is asked when the phone is picked up, which Maskline
does not have. A pool that records refuses accounts that cannot tell both, and their adapters record nothing whatever
they are told.

## Texts

- Attachments stay behind, and the text says that there was one, unless the pool allows \`attachments\` and the adapter can
  pass them on.
- \`maskNumbersInMessages\` takes out what looks like a phone number: digits of every script, spaced and punctuated, English
  number words, letters that stand for digits. It is best effort: on the corpus of the tests (520 texts that hide a number in 38
  ways, 520 ordinary ones) it finds 97 %, misses number words of other languages, and changes no ordinary text. A
  10-digit order number looks like a phone number and is masked as well.
- STOP, STOPALL, UNSUBSCRIBE, OPTOUT, REVOKE, START and UNSTOP alone in a text are meant for the carrier. They are not passed
  on to the other party and not answered by us: the provider acts on them, answers as the law of its country asks, and from then on
  refuses texts from that number to that person. CANCEL, END, QUIT, YES, HELP and INFO go through, because people who wait for a delivery
  say them to each other; providers may act on them as well. Where a provider says that it has answered a text itself (Twilio: \`OptOutType\`,
  Plivo: \`MessageIntent\`, Telnyx: \`autoresponse_type\`), that text is not passed on, whatever its word.
- Strangers get no automatic reply.
`;
