// Reads {"url", "query"} and writes what clients nobody here wrote make of a gateway: graphql-http's
// audit of GraphQL over HTTP, as [{"name", "status", "reason"}], and whether each of Apollo Client's
// requests with automatic persisted queries carried the document.
import { createHash } from "node:crypto";
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { auditServer } from "graphql-http";
import { readInput, writeOutput } from "./io.mjs";

const { url, query } = await readInput();

const audited = await auditServer({ url, fetchFn: fetch });

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

async function ask(useGETForHashedQueries) {
  const carried = [];
  const watched = (address, options) => {
    carried.push(/"query"|[?&]query=/.test((options.body ?? "") + address));
    return fetch(address, options);
  };
  const link = new PersistedQueryLink({ sha256, useGETForHashedQueries });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: link.concat(new HttpLink({ uri: url, fetch: watched })),
  });
  const { data } = await client.query({ query: gql(query), fetchPolicy: "no-cache" });
  return { data, carried };
}

await writeOutput({
  audit: audited.map(({ name, status, reason }) => ({ name, status, reason })),
  unknown: await ask(false),
  known: await ask(false),
  knownByGet: await ask(true),
});
