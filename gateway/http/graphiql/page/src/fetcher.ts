import { createGraphiQLFetcher, isAsyncIterable, type Fetcher } from '@graphiql/toolkit';
import type { Answers, Extensions } from './answers';
import type { Session } from './session';

/** Sends operations as the chosen persona and keeps what the answers' `extensions` say. */
export function createFetcher(endpoint: string, session: Session, answers: Answers): Fetcher {
  const send = createGraphiQLFetcher({ url: endpoint });

  return async (params, options) => {
    const headers = { ...(await session.headers()), ...options?.headers };
    const answer = await send(params, { ...options, headers });
    if (params.operationName === 'IntrospectionQuery') {
      return answer;
    }
    answers.record(null);
    if (!isAsyncIterable(answer)) {
      keep(answer, answers);
      return answer;
    }
    return kept(answer, answers);
  };
}

async function* kept<T>(parts: AsyncIterable<T>, answers: Answers): AsyncGenerator<T> {
  for await (const part of parts) {
    keep(part, answers);
    yield part;
  }
}

function keep(answer: unknown, answers: Answers): void {
  // Incremental delivery hands over arrays of parts.
  for (const part of [answer].flat() as { extensions?: Extensions }[]) {
    if (part.extensions) {
      answers.record({ ...answers.newest(), ...part.extensions });
    }
  }
}
