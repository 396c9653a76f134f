import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { ChangeNotice } from '../../server/api-types.ts';
import { NoticeBatcher } from './notice-batcher.ts';

export type Connection = 'connecting' | 'live' | 'away';

/** After a refusal the browser does not come back by itself. */
const RETRY_MS = 2_000;

/** Which questions an answer may have changed for. */
function affectedKeys({ subject, id }: ChangeNotice): readonly (readonly string[])[] {
  switch (subject) {
    case 'orders':
      // Names on the handsets come from the orders under way.
      return [['orders'], ['app'], ['phone'], ['stock']];
    case 'profiles':
      return [['profiles'], ['app'], ['orders'], ['phone']];
    case 'activity':
      return [['activity'], ['calls']];
    case 'stock':
      return [['stock']];
    case 'phone':
      return [id === null ? ['phone'] : ['phone', id]];
  }
}

/**
 * Keeps the page live: follows the server's stream, with the phones of these users in it, and asks again for
 * what has changed. A hidden page lets go of its stream, because a browser keeps six connections to a host.
 */
export function useLiveUpdates(phones: readonly string[]): Connection {
  const queryClient = useQueryClient();
  const [connection, setConnection] = useState<Connection>('connecting');
  const query = phones.map(encodeURIComponent).join(',');
  useEffect(() => {
    const address = query === '' ? '/api/events' : `/api/events?phones=${query}`;
    return followWhileVisible(address, queryClient, setConnection);
  }, [query, queryClient]);
  return connection;
}

function followWhileVisible(
  address: string,
  queryClient: QueryClient,
  report: (connection: Connection) => void,
): () => void {
  let source: EventSource | null = null;
  let retry: ReturnType<typeof setTimeout> | undefined;
  const batcher = new NoticeBatcher((keys) => {
    for (const queryKey of keys) void queryClient.invalidateQueries({ queryKey });
  });

  function open(): void {
    source?.close();
    const opened = new EventSource(address);
    source = opened;
    opened.onopen = () => {
      report('live');
      // Whatever happened while nobody listened is found by asking for everything once.
      void queryClient.invalidateQueries();
    };
    opened.onmessage = (event: MessageEvent<string>) => {
      batcher.add(affectedKeys(JSON.parse(event.data) as ChangeNotice));
    };
    opened.onerror = () => {
      report('away');
      if (opened.readyState === EventSource.CLOSED) retry = setTimeout(open, RETRY_MS);
    };
  }

  function close(): void {
    clearTimeout(retry);
    batcher.stop();
    source?.close();
    source = null;
  }

  function follow(): void {
    close();
    if (document.visibilityState === 'visible') open();
  }

  follow();
  document.addEventListener('visibilitychange', follow);
  return () => {
    document.removeEventListener('visibilitychange', follow);
    close();
  };
}
