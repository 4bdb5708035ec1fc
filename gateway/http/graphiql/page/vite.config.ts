import { defineConfig } from 'vite';

const source = (path: string): string => new URL(`./src/${path}`, import.meta.url).pathname;

export default defineConfig({
  // Relative addresses: the page works under whatever path the gateway mounts it.
  base: './',
  resolve: {
    alias: [
      // The editor with the contributions GraphiQL uses, instead of all of Visual Studio Code's.
      { find: /^monaco-editor\/esm\/vs\/editor\/edcore\.main\.js$/, replacement: source('monaco/editor.ts') },
      // GraphiQL formats variables with Babel's parser (half a megabyte); jsonc-parser is in the
      // page anyway.
      { find: /^prettier\/parser-babel$/, replacement: source('monaco/format-json.ts') },
      { find: /^prettier\/plugins\/estree$/, replacement: source('monaco/format-json.ts') },
    ],
    dedupe: ['graphql', 'react', 'react-dom'],
  },
  worker: { format: 'es' },
  build: {
    // Inlining would need `data:` in script-src; nothing is small enough to matter.
    assetsInlineLimit: 0,
    // The licences of everything bundled ask to travel with it.
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 4000,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // React's "use client" marks mean nothing in a page without a server half.
      checks: { moduleLevelDirective: false },
      // GraphiQL makes its icons' accessible names out of its functions' names.
      output: { keepNames: true },
    },
  },
});
