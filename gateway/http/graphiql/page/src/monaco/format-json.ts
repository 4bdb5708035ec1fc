/**
 * A Prettier plugin for JSON with comments, in the place of Babel and estree.
 *
 * The parsed tree is the text itself; jsonc-parser does the formatting.
 */
import { applyEdits, format } from 'jsonc-parser';

interface Text {
  text: string;
}

function formatted(text: string): string {
  const edits = format(text, undefined, { insertSpaces: true, tabSize: 2, eol: '\n' });
  return applyEdits(text, edits);
}

export const parsers = {
  jsonc: {
    astFormat: 'jsonc-text',
    parse: (text: string): Text => ({ text }),
    locStart: (): number => 0,
    locEnd: (node: Text): number => node.text.length,
  },
};

export const printers = {
  'jsonc-text': {
    print: (path: { node: Text }): string => formatted(path.node.text),
  },
};
