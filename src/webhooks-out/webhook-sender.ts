/** One signed request to an address that a tenant gave. */
export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text, exactly as it was signed */
  readonly body: string;
}

/**
 * Posts it and returns the status of the answer; its body is read away and not kept. A redirect is an answer like
 * any other, and is not followed. @throws WebhookRefused for an address that nothing may be sent to
 */
export type WebhookSender = (
  request: WebhookRequest,
  signal: AbortSignal,
) => Promise<{ readonly status: number }>;

/** The address is none that a service may be made to talk to. The message says why, for the tenant to read. */
export class WebhookRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WebhookRefused';
  }
}
