import { NONCE_PLACEHOLDER } from './send-html.ts';

const SENTENCES = {
  building: {
    title: 'One moment',
    text: 'The pages are being built for the first time. This page asks again by itself.',
  },
  failed: {
    title: 'The pages could not be built',
    text: 'The log says why. The API works meanwhile; start again to try once more.',
  },
  missing: { title: 'There is no such page', text: 'The dispatcher’s board is at the front door.' },
} as const;

/** A page that needs no build: shown while there is none, when it failed, and at unknown addresses. */
export function waitPage(state: keyof typeof SENTENCES): string {
  const { title, text } = SENTENCES[state];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${state === 'building' ? '<meta http-equiv="refresh" content="1">' : ''}
<title>${title} · Corner Courier</title>
<style nonce="${NONCE_PLACEHOLDER}">
:root { color-scheme: light dark; }
body { margin: 0; min-height: 100vh; display: grid; place-content: center; justify-items: center; gap: 8px;
  padding: 24px; text-align: center; font: 16px/1.5 system-ui, sans-serif; background: #f5f6f4; color: #1c2321; }
h1 { font-size: 22px; margin: 8px 0 0; } p { margin: 0; max-width: 34ch; opacity: .75; }
a { color: inherit; margin-top: 8px; }
i { width: 34px; height: 34px; border-radius: 50%; border: 3px solid #0f766e33; border-top-color: #0f766e; }
${state === 'building' ? 'i { animation: turn 1s linear infinite; } @keyframes turn { to { rotate: 1turn; } }' : ''}
@media (prefers-color-scheme: dark) { body { background: #121615; color: #e8eceb; } }
@media (prefers-reduced-motion: reduce) { i { animation: none; } }
</style>
</head>
<body><i></i><h1>${title}</h1><p>${text}</p>${state === 'missing' ? '<a href="/">Go to the board</a>' : ''}</body>
</html>
`;
}
