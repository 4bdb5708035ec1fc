// Reads {gateway: {suite: {"sdl", "queries"}}} and writes {gateway: {suite: [{data, errors, requests}]}}:
// the answers, how many errors they had, and how many requests to subgraphs each took.
import { gateways } from "./gateways.mjs";
import { readInput, writeOutput } from "./io.mjs";

const answers = {};
for (const [gateway, suites] of Object.entries(await readInput())) {
  answers[gateway] = {};
  for (const [suite, { sdl, queries }] of Object.entries(suites)) {
    answers[gateway][suite] = await runSuite(gateways[gateway].load, sdl, queries);
  }
}
await writeOutput(answers);

async function runSuite(load, sdl, queries) {
  let requests = 0;
  let gateway;
  try {
    gateway = await load(sdl, () => requests++);
  } catch (error) {
    return queries.map(() => failed(error, 0));
  }
  const answers = [];
  for (const query of queries) {
    requests = 0;
    try {
      const { data, errors } = await gateway.ask(query);
      answers.push({ data: data ?? null, errors: errors?.length ?? 0, requests });
    } catch (error) {
      answers.push(failed(error, requests));
    }
  }
  await gateway.close();
  return answers;
}

function failed(error, requests) {
  console.error(error);
  return { data: null, errors: 1, requests };
}
