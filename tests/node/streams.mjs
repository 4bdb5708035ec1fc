// Reads {"url", "token", "query", "subscription", "variables", "deferred", "change"} and writes what
// each client nobody here wrote makes of them: the query's data, the first two events of the
// subscription, and the data of the query with deferred parts, put together. Between the two events
// a status is POSTed to "change".
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { Defer20220824Handler } from "@apollo/client/incremental";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createFetchMultipartSubscription } from "@apollo/client/utilities/subscriptions/relay";
import { OperationTypeNode } from "graphql";
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import relay from "relay-runtime";
import { Client, fetchExchange } from "@urql/core";
import WebSocket from "ws";
import { readInput, writeOutput } from "./io.mjs";

// urql forgets the reading that it aborts itself when it has heard enough.
process.on("unhandledRejection", (reason) => {
  if (reason?.name !== "AbortError") throw reason;
});

const given = await readInput();
const { url, query, subscription, variables, deferred } = given;
const headers = { authorization: `Bearer ${given.token}` };
const wsUrl = url.replace(/^http/, "ws");

let changes = 0;
async function change() {
  const status = ["waiting", "started"][changes++ % 2];
  const answer = await fetch(given.change, { method: "POST", body: JSON.stringify({ status }) });
  if (!answer.ok) throw new Error(`the change was answered with ${answer.status}`);
}

/** The first two of what `listen(take, fail)` hands to `take`; it returns how to stop. */
function two(listen) {
  return new Promise((resolve, reject) => {
    const events = [];
    const take = (event) => {
      events.push(event);
      if (events.length === 1) change().catch(reject);
      if (events.length === 2) {
        stop();
        resolve(events);
      }
    };
    const stop = listen(take, reject);
  });
}

async function last(iterator) {
  let merged;
  const places = {};
  for await (const part of iterator) {
    merged ??= { data: part.data };
    for (const { id, path } of part.pending ?? []) places[id] = path;
    for (const { id, subPath = [], data } of part.incremental ?? []) {
      const at = [...places[id], ...subPath].reduce((value, key) => value[key], merged.data);
      Object.assign(at, data);
    }
  }
  return merged.data;
}

const subscribing = (client) => (take, fail) =>
  client.subscribe({ query: subscription, variables }, { next: ({ data }) => take(data), error: fail, complete() {} });

async function apollo(link) {
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link,
    incrementalHandler: new Defer20220824Handler(),
    defaultOptions: { query: { fetchPolicy: "no-cache" }, watchQuery: { fetchPolicy: "network-only" } },
  });
  const answered = await client.query({ query: gql(query) });
  const events = await two((take, fail) => {
    const listening = client
      .subscribe({ query: gql(subscription), variables })
      .subscribe({ next: ({ data, error }) => (error ? fail(error) : take(data)), error: fail });
    return () => listening.unsubscribe();
  });
  return { client, query: answered.data, events };
}

async function apolloOverHttp() {
  const { client, ...seen } = await apollo(new HttpLink({ uri: url, headers }));
  let parts = 0;
  const whole = await new Promise((resolve, reject) => {
    client.watchQuery({ query: gql(deferred), variables }).subscribe({
      next(result) {
        if (result.error) reject(result.error);
        if (result.dataState === "streaming") parts += 1;
        if (result.dataState === "complete") resolve(result.data);
      },
      error: reject,
    });
  });
  return { ...seen, deferred: whole, partsBefore: parts };
}

async function apolloOverWs() {
  const socket = createWsClient({ url: wsUrl, webSocketImpl: WebSocket, connectionParams: headers });
  const link = ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: url, headers }),
  );
  const { query, events } = await apollo(link);
  await socket.dispose();
  return { query, events };
}

async function urql() {
  const client = new Client({
    url,
    exchanges: [fetchExchange],
    fetchSubscriptions: true,
    preferGetMethod: false,
    fetchOptions: { headers },
  });
  const answered = await client.query(query, {}).toPromise();
  const events = await two((take, fail) => {
    const { unsubscribe } = client
      .subscription(subscription, variables)
      .subscribe(({ data, error }) => (error ? fail(error) : take(data)));
    return unsubscribe;
  });
  const whole = await new Promise((resolve, reject) => {
    client.query(deferred, variables).subscribe(({ data, error, hasNext }) => {
      if (error) reject(error);
      if (!hasNext) resolve(data);
    });
  });
  return { query: answered.data, events, deferred: whole };
}

async function relayNetwork() {
  const ask = async ({ text }, values) => {
    const body = JSON.stringify({ query: text, variables: values });
    const answer = await fetch(url, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body });
    return answer.json();
  };
  const network = relay.Network.create(ask, createFetchMultipartSubscription(url, { headers }));
  const request = (operationKind, text) => ({
    id: null,
    cacheID: text,
    name: /^\s*\w+ (\w+)/.exec(text)[1],
    metadata: {},
    operationKind,
    text,
  });
  const answered = await network.execute(request("query", query), {}, {}).toPromise();
  const events = await two((take, fail) => {
    const listening = network
      .execute(request("subscription", subscription), variables, {})
      .subscribe({ next: ({ data }) => take(data), error: fail });
    return () => listening.unsubscribe();
  });
  return { query: answered.data, events };
}

async function over(client) {
  const answers = [];
  for await (const { data } of client.iterate({ query })) answers.push(data);
  const events = await two(subscribing(client));
  const whole = await last(client.iterate({ query: deferred, variables }));
  await client.dispose();
  return { query: answers[0], events, deferred: whole };
}

await writeOutput({
  apollo: await apolloOverHttp(),
  apolloOverWs: await apolloOverWs(),
  urql: await urql(),
  relay: await relayNetwork(),
  graphqlWs: await over(createWsClient({ url: wsUrl, webSocketImpl: WebSocket, connectionParams: headers })),
  graphqlSse: await over(createSseClient({ url, headers })),
});
