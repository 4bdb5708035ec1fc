// Standard input and output carry one JSON value each; whatever the gateways print goes elsewhere.
import { text } from "node:stream/consumers";

for (const method of ["log", "info", "debug", "warn"]) console[method] = console.error;

export async function readInput() {
  return JSON.parse(await text(process.stdin));
}

/** Gateways leave timers behind, so the process ends once the output is out. */
export async function writeOutput(value) {
  await new Promise((resolve) => process.stdout.write(JSON.stringify(value), resolve));
  process.exit(0);
}
