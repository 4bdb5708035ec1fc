import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useSyncExternalStore, type ReactNode } from 'react';
import type { Example } from './config';
import { usePage } from './page';
import type { SessionState } from './session';

/** The strip above GraphiQL: which example to open, and as whom to ask. */
export function Bar(): ReactNode {
  const { config } = usePage();
  return (
    <header className="graphiql-container chartgraph-bar">
      <strong>Chartgraph</strong>
      {config.examples.length > 0 ? <ExamplePicker /> : null}
      {config.personas.length > 0 ? <PersonaSwitch /> : null}
    </header>
  );
}

function ExamplePicker(): ReactNode {
  const { examples } = usePage().config;
  const open = useOpenExample();
  return (
    <label>
      Example
      <select
        value=""
        disabled={open === null}
        onChange={(event) => open?.(examples[Number(event.target.value)]!)}
      >
        <option value="" disabled>
          Open…
        </option>
        {examples.map((example, index) => (
          <option key={index} value={index}>
            {example.name}
          </option>
        ))}
      </select>
    </label>
  );
}

function PersonaSwitch(): ReactNode {
  const { config, session } = usePage();
  const { introspect } = useGraphiQLActions();
  const state = useSyncExternalStore(session.subscribe, session.state);

  // What a persona may see of the schema can differ, so the documentation follows the switch.
  const choose = (persona: string): void => void session.choose(persona).then(introspect);

  return (
    <>
      <label>
        Persona
        <select
          value={state.kind === 'anonymous' ? '' : state.persona}
          onChange={(event) => choose(event.target.value)}
        >
          {config.personas.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
          <option value="">Nobody (no token)</option>
        </select>
      </label>
      <output>{described(state)}</output>
    </>
  );
}

function described(state: SessionState): string {
  switch (state.kind) {
    case 'anonymous':
      return 'No token';
    case 'asking':
      return 'Asking for a token…';
    case 'active':
      return `Token until ${state.expiresAt.toLocaleTimeString()}`;
    case 'refused':
      return `No token: ${state.reason}`;
  }
}

/** Goes to the tab that holds the example unchanged, or opens one; null before the editors are there. */
function useOpenExample(): ((example: Example) => void) | null {
  const { tabs, queryEditor, variableEditor } = useGraphiQL(
    pick('tabs', 'queryEditor', 'variableEditor'),
  );
  const { addTab, changeTab } = useGraphiQLActions();
  if (!queryEditor || !variableEditor) {
    return null;
  }
  return ({ query, variables }) => {
    const text = variablesText(variables);
    const open = tabs.findIndex((tab) => tab.query === query && tab.variables === text);
    if (open >= 0) {
      changeTab(open);
      return;
    }
    addTab();
    queryEditor.setValue(query);
    variableEditor.setValue(text);
  };
}

export function variablesText(variables: Record<string, unknown>): string {
  return JSON.stringify(variables, null, 2);
}
