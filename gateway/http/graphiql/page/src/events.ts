/**
 * Answers of several payloads, as server-sent events over an ordinary POST.
 *
 * https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#distinct-connections-mode
 */
import type { FetcherParams } from '@graphiql/toolkit';

/** What GraphiQL listens to; stopping it hangs up, and so ends the operation at the gateway. */
export interface Observable {
  subscribe(observer: Observer): { unsubscribe(): void };
}

interface Observer {
  next(value: unknown): void;
  error(problem: unknown): void;
  complete(): void;
}

export function observe(url: string, params: FetcherParams, headers: HeadersInit): Observable {
  return {
    subscribe(observer) {
      const hangUp = new AbortController();
      read(url, params, headers, hangUp.signal, observer.next).then(
        () => observer.complete(),
        (problem: unknown) => hangUp.signal.aborted || observer.error(problem),
      );
      return { unsubscribe: () => hangUp.abort() };
    },
  };
}

async function read(
  url: string,
  params: FetcherParams,
  headers: HeadersInit,
  signal: AbortSignal,
  next: (value: unknown) => void,
): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify(params),
    cache: 'no-store',
    signal,
  });
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    // Refused before it began.
    next(await response.json());
    return;
  }
  const chunks = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ''; ; ) {
    const { done, value } = await chunks.read();
    if (done) {
      return;
    }
    const events = (text + value).split('\n\n');
    text = events.pop()!;
    events.map(payload).forEach((found) => found && next(JSON.parse(found)));
  }
}

/** The payload of a `next` event; other events and signs of life have none. */
function payload(event: string): string | undefined {
  return /^event: next\ndata: (.+)$/.exec(event)?.[1];
}
