// Two gateways as functions: a supergraph in, a way to ask it out. Subgraphs are asked over HTTP.
import { createHash } from "node:crypto";
import { ApolloGateway, RemoteGraphQLDataSource } from "@apollo/gateway";
import { createGatewayRuntime } from "@graphql-hive/gateway";
import { parse, validate } from "graphql";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * What each offers: `load(sdl, onRequest)` rejects a supergraph it does not accept, and otherwise
 * gives `schema`, `ask(query)` for a GraphQL response, and `close()`.
 * `onRequest` is called once for each request to a subgraph.
 */
export const gateways = { apollo: { load: loadApollo }, hive: { load: loadHive } };

async function loadApollo(sdl, onRequest = () => {}, DataSource = RemoteGraphQLDataSource) {
  class Counted extends DataSource {
    willSendRequest() {
      onRequest();
    }
  }
  const gateway = new ApolloGateway({
    supergraphSdl: sdl,
    logger: silent,
    buildService: ({ url }) => new Counted({ url }),
  });
  const { schema, executor } = await gateway.load();
  return { schema, ask: (query) => askApollo(schema, executor, query), close: () => gateway.stop() };
}

// As Apollo Server calls a gateway: parsed and validated first.
async function askApollo(schema, executor, query) {
  const document = parse(query);
  const errors = validate(schema, document);
  if (errors.length) return { errors };
  return executor({
    document,
    request: { query, variables: {} },
    queryHash: createHash("sha256").update(query).digest("hex"),
    context: {},
    logger: silent,
    metrics: {},
    schema,
  });
}

/** What Apollo's planner cannot plan, as [label, reason]; what subgraphs would say is left out. */
export async function planWithApollo(sdl, operations) {
  class Mute {
    async process() {
      return { data: {} };
    }
  }
  const gateway = await loadApollo(sdl, undefined, Mute);
  try {
    return await failing(operations, async (operation) => {
      refuseInvalid(gateway.schema, operation);
      await gateway.ask(operation);
    });
  } finally {
    await gateway.close();
  }
}

async function failing(operations, attempt) {
  const failed = [];
  for (const [label, operation] of Object.entries(operations)) {
    try {
      await attempt(operation);
    } catch (error) {
      failed.push([label, error.message]);
    }
  }
  return failed;
}

function refuseInvalid(schema, operation) {
  const [error] = validate(schema, parse(operation));
  if (error) throw error;
}

async function loadHive(sdl, onRequest = () => {}) {
  const runtime = createGatewayRuntime({
    supergraph: sdl,
    logging: false,
    landingPage: false,
    graphiql: false,
    maskedErrors: false,
    plugins: () => [
      {
        onFetch() {
          onRequest();
        },
      },
    ],
  });
  const schema = await runtime.getSchema();
  return { schema, ask: (query) => askHive(runtime, query), close: () => runtime.dispose() };
}

async function askHive(runtime, query) {
  const response = await runtime.fetch("http://localhost/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

/** Which operations are not valid in the schema that Hive builds, as [label, reason]. */
export async function loadIntoHive(sdl, operations) {
  const gateway = await loadHive(sdl);
  try {
    return await failing(operations, (operation) => refuseInvalid(gateway.schema, operation));
  } finally {
    await gateway.close();
  }
}
