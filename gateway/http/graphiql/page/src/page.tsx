import { createContext, useContext } from 'react';
import type { Answers } from './answers';
import type { PageConfig } from './config';
import type { Session } from './session';

export interface Page {
  config: PageConfig;
  session: Session;
  answers: Answers;
}

/** GraphiQL gives a plugin no properties; what it needs of the page comes this way. */
export const PageContext = createContext<Page | null>(null);

export function usePage(): Page {
  const page = useContext(PageContext);
  if (page === null) {
    throw new Error('This component is used outside of the page.');
  }
  return page;
}
