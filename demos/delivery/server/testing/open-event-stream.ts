import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { ChangeNotice } from '../api-types.ts';

export interface OpenStream {
  readonly notices: ChangeNotice[];
  close(): void;
}

/** Follows a live stream of the delivery company and keeps what it says. */
export async function openEventStream(url: string, path: string): Promise<OpenStream> {
  const closing = new AbortController();
  const response = await fetch(new URL(path, url), { signal: closing.signal });
  if (!response.ok || !response.body) throw new Error(`The stream answered ${response.status}.`);
  const events = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  const notices: ChangeNotice[] = [];
  const read = async (): Promise<void> => {
    for await (const event of events) notices.push(JSON.parse(event.data) as ChangeNotice);
  };
  // Closing it aborts the reading; that is not a failure.
  read().catch(() => undefined);
  return { notices, close: () => closing.abort() };
}
