import { Button, pick, useGraphiQL, type GraphiQLPlugin } from '@graphiql/react';
import { parse as parseJson } from 'jsonc-parser';
import { useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { explain, type Explanation, type Operation } from './explain';
import { Facts } from './Facts';
import { usePage } from './page';

/** The plan, cost and authorization of the operation in the editor, and what its answer reported. */
function PlanPane(): ReactNode {
  const { config, answers } = usePage();
  const extensions = useSyncExternalStore(answers.subscribe, answers.newest);
  return (
    <section className="chartgraph-plan" aria-label="Plan">
      <h1>Plan</h1>
      {config.planUrl === null ? null : <Explained planUrl={config.planUrl} />}
      <h2>Last answer</h2>
      {extensions === null ? (
        <p>Run an operation to see what its answer reports.</p>
      ) : (
        <Facts value={extensions} />
      )}
    </section>
  );
}

function Explained({ planUrl }: { planUrl: string }): ReactNode {
  const { session } = usePage();
  const operation = useOperation();
  const [explanation, setExplanation] = useState<Explanation | null>(null);
  const asked = useRef<AbortController>(null);

  const ask = (): void => {
    asked.current?.abort();
    const asking = new AbortController();
    asked.current = asking;
    explain(operation(), planUrl, session, asking.signal)
      .catch(() => ({ plan: null, facts: { problem: 'The gateway did not answer.' } }))
      .then((found) => asking.signal.aborted || setExplanation(found));
  };

  useEffect(() => {
    ask();
    return () => asked.current?.abort();
    // Once, when the pane opens; later on request, since every edit would be a request.
  }, []);

  return (
    <>
      <Button type="button" onClick={ask}>
        Explain this operation
      </Button>
      <div aria-live="polite">
        {explanation === null ? null : <Sections facts={explanation.facts} />}
        {explanation?.plan ? <PlanText text={explanation.plan} /> : null}
      </div>
    </>
  );
}

/** Long plans scroll by themselves; the tab stop lets a keyboard do it too. */
function PlanText({ text }: { text: string }): ReactNode {
  return (
    <pre role="region" aria-label="Query plan" tabIndex={0}>
      {text}
    </pre>
  );
}

function Sections({ facts }: { facts: Record<string, unknown> }): ReactNode {
  return Object.entries(facts).map(([title, value]) => (
    <section key={title} aria-label={title}>
      <h2>{title}</h2>
      <Facts value={value} />
    </section>
  ));
}

/** Reads the editors at the moment of asking, so that typing renders nothing here. */
function useOperation(): () => Operation {
  const { queryEditor, variableEditor, operationName } = useGraphiQL(
    pick('queryEditor', 'variableEditor', 'operationName'),
  );
  return () => ({
    query: queryEditor?.getValue() ?? '',
    variables: parseJson(variableEditor?.getValue() ?? '') ?? {},
    ...(operationName ? { operationName } : {}),
  });
}

function PlanIcon(): ReactNode {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <rect x="9" y="3" width="6" height="5" rx="1" />
      <rect x="2.5" y="16" width="6" height="5" rx="1" />
      <rect x="15.5" y="16" width="6" height="5" rx="1" />
      <path d="M12 8v4M5.5 16v-4h13v4" />
    </svg>
  );
}

export const PLAN_PLUGIN: GraphiQLPlugin = { title: 'Plan', icon: PlanIcon, content: PlanPane };
