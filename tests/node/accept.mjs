// Reads [{"name", "judge", "sdl", "operations": {label: text}}] and writes {judge: {name: reason}} of
// the supergraphs a gateway does not accept; "name label" where it is an operation it cannot plan.
import { loadIntoHive, planWithApollo } from "./gateways.mjs";
import { readInput, writeOutput } from "./io.mjs";

const accept = { apollo: planWithApollo, hive: loadIntoHive };

const refused = { apollo: {}, hive: {} };
for (const { name, judge, sdl, operations } of await readInput()) {
  try {
    for (const [label, reason] of await accept[judge](sdl, operations)) {
      refused[judge][`${name} ${label}`] = reason;
    }
  } catch (error) {
    refused[judge][name] = String(error?.message ?? error);
  }
}
await writeOutput(refused);
