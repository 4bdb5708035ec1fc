import { createGraphiQLFetcher, type Fetcher, type FetcherParams } from '@graphiql/toolkit';
import { getOperationAST, OperationTypeNode, parse, visit, type DocumentNode } from 'graphql';
import type { Answers, Extensions } from './answers';
import { observe, type Observable } from './events';
import type { Session } from './session';

/** Sends operations as the chosen persona and keeps what the answers' `extensions` say. */
export function createFetcher(endpoint: string, session: Session, answers: Answers): Fetcher {
  const send = createGraphiQLFetcher({ url: endpoint, enableIncrementalDelivery: false });

  return async (params, options) => {
    const headers = { ...(await session.headers()), ...options?.headers };
    if (comesInParts(params)) {
      answers.record(null);
      return kept(observe(endpoint, params, headers), answers);
    }
    const answer = await send(params, { ...options, headers });
    if (params.operationName !== 'IntrospectionQuery') {
      answers.record(null);
      keep(answer, answers);
    }
    return answer;
  };
}

/** A text that is none is for the gateway to refuse. */
function comesInParts({ query, operationName }: FetcherParams): boolean {
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch {
    return false;
  }
  if (getOperationAST(document, operationName)?.operation === OperationTypeNode.SUBSCRIPTION) {
    return true;
  }
  let deferred = false;
  visit(document, {
    Directive(directive) {
      deferred ||= directive.name.value === 'defer';
    },
  });
  return deferred;
}

function kept(parts: Observable, answers: Answers): Observable {
  return {
    subscribe: (observer) =>
      parts.subscribe({
        ...observer,
        next(part) {
          keep(part, answers);
          observer.next(part);
        },
      }),
  };
}

function keep(answer: unknown, answers: Answers): void {
  const { extensions } = answer as { extensions?: Extensions };
  if (extensions) {
    answers.record({ ...answers.newest(), ...extensions });
  }
}
