import type { Session } from './session';

export interface Operation {
  query: string;
  variables: Record<string, unknown>;
  operationName?: string;
}

/** `plan` is the plan's canonical text; the rest (cost, authorization, errors) is shown as it comes. */
export interface Explanation {
  plan: string | null;
  facts: Record<string, unknown>;
}

/** Asks the gateway how it would answer `operation`, as the chosen persona, without running it. */
export async function explain(
  operation: Operation,
  planUrl: string,
  session: Session,
  signal: AbortSignal,
): Promise<Explanation> {
  const response = await fetch(planUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(await session.headers()),
    },
    body: JSON.stringify(operation),
    signal,
  });
  if (!response.headers.get('content-type')?.includes('json')) {
    const text = await response.text();
    return response.ok
      ? { plan: text, facts: {} }
      : { plan: null, facts: { problem: `The gateway answered ${response.status}.` } };
  }
  const { plan = null, ...facts } = (await response.json()) as { plan?: string | null };
  return { plan, facts };
}
