import type { WebhookKind } from '../../providers/provider.ts';

/** `/webhooks/{provider}/{accountId}/{pathSecret}/answer|status|message` */
export const WEBHOOK_ROUTE = '/webhooks/:provider/:accountId/:pathSecret/';

/** What a webhook path says. The provider in it is for people who read logs of proxies; the account decides. */
export interface WebhookPath {
  readonly kind: WebhookKind;
  readonly accountId: string;
  readonly pathSecret: string;
}

const PATTERN = /^\/webhooks\/([^/?#]*)\/([^/?#]*)\/([^/?#]*)\/(answer|status|message)(?:\?|$)/;
/** Longer than any account id or path secret of ours; what is longer is no address of ours. */
const SEGMENT_LENGTH_MAXIMUM = 100;

/** Null for every URL that is not exactly a webhook's; the rest of the server says what that is. */
export function readWebhookPath(url: string): WebhookPath | null {
  const parts = PATTERN.exec(url);
  if (!parts) return null;
  const [, provider = '', id = '', secret = '', kind] = parts;
  const accountId = decodeSegment(id);
  const pathSecret = decodeSegment(secret);
  if (accountId === null || pathSecret === null || decodeSegment(provider) === null) return null;
  return { kind: kind as WebhookKind, accountId, pathSecret };
}

function decodeSegment(text: string): string | null {
  if (text.length > SEGMENT_LENGTH_MAXIMUM) return null;
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
