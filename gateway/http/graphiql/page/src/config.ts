/** What the gateway says about itself: `config.json` beside this page, made by gateway/http/graphiql. */

export interface Example {
  name: string;
  query: string;
  variables: Record<string, unknown>;
}

export interface Persona {
  id: string;
  title: string;
}

export interface PageConfig {
  endpoint: string;
  examples: Example[];
  personas: Persona[];
  tokenUrl: string | null;
  planUrl: string | null;
}

export async function loadConfig(): Promise<PageConfig> {
  const response = await fetch('config.json', { cache: 'no-store' });
  if (!response.ok) {
    throw new Error(`The gateway answered ${response.status} for this page's configuration.`);
  }
  return (await response.json()) as PageConfig;
}
