/** What an API key may be allowed to do. A closed list; `docs/api.md` and the OpenAPI document show it. */
export const SCOPES = {
  'sessions:read': 'Read sessions, and whom their virtual numbers stand for.',
  'sessions:write': 'Open, change and close sessions.',
  'pools:read': 'Read pools and their stock.',
  'pools:write': 'Create and change pools.',
  'virtual_numbers:read': 'Read virtual numbers.',
  'virtual_numbers:write': 'Import virtual numbers, and change their state or pool.',
  'purchases:read': 'Read what was asked and decided about purchases beyond the budget.',
  'purchases:request': 'Ask that an account may buy more numbers than its budget.',
  'purchases:approve':
    'Approve or decline what another key has asked. Give it to people, each a key of their own.',
  'calls:read': 'Read calls.',
  'messages:read': 'Read messages. Their words are not kept.',
  'blocks:read': 'Read whom the company has blocked.',
  'blocks:write': 'Block people for the company, and lift that.',
  'call_intents:write': 'Announce that a participant is about to call.',
  'pins:write':
    'Make PINs that connect a caller whose number is not known. Give it to the backend of your apps only.',
  'history:read': 'Ask who stood behind a virtual number at a moment. Each question is audited.',
  reveal: 'Read a real number, 20 in an hour, each with a reason and audited. Give it to few people.',
  'webhooks:read': 'Read webhooks and what was sent to them.',
  'webhooks:write': 'Subscribe addresses to events, change them, and have events sent again.',
  'route_decisions:write':
    'Ask whom to connect. The answer holds a real number, so give it to switches only.',
} as const;
export type ApiScope = keyof typeof SCOPES;

export const ALL_SCOPES = Object.keys(SCOPES) as readonly ApiScope[];

export function isApiScope(text: string): text is ApiScope {
  return Object.hasOwn(SCOPES, text);
}
