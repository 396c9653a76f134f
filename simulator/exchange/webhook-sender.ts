export interface WebhookRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text, exactly as it was signed */
  readonly body: string;
}

export interface WebhookResponse {
  readonly status: number;
  readonly body: string;
}

/**
 * Delivers one signed POST to the account's webhook and returns what it answered. Rejects when there is no
 * answer, when it is too large, or when `signal` aborts. A simulation puts a function in its place.
 */
export type WebhookSender = (request: WebhookRequest, signal: AbortSignal) => Promise<WebhookResponse>;

/** No instruction comes near this; an answer that is longer is cut off, not read. */
export const WEBHOOK_ANSWER_BYTES_MAXIMUM = 64 * 1024;

/** The sender that talks HTTP. A redirect is an error: a signed request goes nowhere else. */
export const sendWebhook: WebhookSender = async (request, signal) => {
  const response = await fetch(request.url, {
    method: 'POST',
    headers: request.headers,
    body: request.body,
    redirect: 'error',
    signal,
  });
  return { status: response.status, body: await readText(response) };
};

async function readText(response: Response): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > WEBHOOK_ANSWER_BYTES_MAXIMUM) {
      throw new Error(`The answer is longer than ${WEBHOOK_ANSWER_BYTES_MAXIMUM} bytes.`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
