import './monaco/workers';
import 'graphiql/graphiql.css';
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import './page.css';

import { DOC_EXPLORER_PLUGIN, DocExplorerStore } from '@graphiql/plugin-doc-explorer';
import { HISTORY_PLUGIN, HistoryStore } from '@graphiql/plugin-history';
import { GraphiQLProvider } from '@graphiql/react';
import { GraphiQLInterface } from 'graphiql';
import type { ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { Answers } from './answers';
import { Bar, variablesText } from './Bar';
import { loadConfig, type PageConfig } from './config';
import { createFetcher } from './fetcher';
import { memoryStorage } from './memory';
import { PageContext } from './page';
import { PLAN_PLUGIN } from './PlanPane';
import { Session } from './session';

const PLUGINS = [DOC_EXPLORER_PLUGIN, PLAN_PLUGIN, HISTORY_PLUGIN];

/** The page as it opens: acting as the first persona, with the first example in its editors. */
function page(config: PageConfig): ReactNode {
  const session = new Session(config.tokenUrl);
  const answers = new Answers();
  const fetcher = createFetcher(config.endpoint, session, answers);
  void session.choose(config.personas[0]?.id ?? '');
  const first = config.examples[0];

  return (
    <PageContext value={{ config, session, answers }}>
      <GraphiQLProvider
        fetcher={fetcher}
        storage={memoryStorage()}
        plugins={PLUGINS}
        referencePlugin={DOC_EXPLORER_PLUGIN}
        initialQuery={first?.query}
        initialVariables={first && variablesText(first.variables)}
        inputValueDeprecation
        schemaDescription
      >
        <HistoryStore>
          <DocExplorerStore>
            <Bar />
            <GraphiQLInterface defaultEditorToolsVisibility showPersistHeadersSettings={false} />
          </DocExplorerStore>
        </HistoryStore>
      </GraphiQLProvider>
    </PageContext>
  );
}

const root = createRoot(document.getElementById('root')!);
loadConfig().then(
  (config) => root.render(page(config)),
  (problem: Error) =>
    root.render(
      <p className="chartgraph-notice" role="alert">
        {problem.message}
      </p>,
    ),
);
