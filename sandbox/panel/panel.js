// The fault panel. It knows only the control app's own JSON: /faults, /calls,
// /issuer and /authorizations.
const byName = new Map();
const state = document.querySelector("#state");
const field = (section, name) => section.querySelector(`[name="${name}"]`);

async function ask(path, body) {
  const method = body === undefined ? "GET" : "POST";
  const answer = await fetch(path, { method, body: body && JSON.stringify(body) });
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

function add(name, { outages, misruns }) {
  const section = document.querySelector("#upstream").content.cloneNode(true).firstElementChild;
  section.querySelector("h2").textContent = name;
  field(section, "outage").append(...outages.map((outage) => new Option(outage)));
  field(section, "export").append(...misruns.map((misrun) => new Option(misrun)));
  section.addEventListener("change", () => change(name, section));
  document.querySelector("#upstreams").append(section);
  byName.set(name, section);
  return section;
}

async function change(name, section) {
  const limit = field(section, "limit").value;
  const wanted = {
    upstream: name,
    outage: field(section, "outage").value,
    latency_ms: Number(field(section, "latency_ms").value),
    rate_limit: limit === "" ? null
      : { limit: Number(limit), retry_after: Number(field(section, "retry_after").value) },
    multiple_or: field(section, "multiple_or").checked,
    batch: field(section, "batch").checked,
    dies: field(section, "dies").value,
    export: field(section, "export").value,
  };
  try {
    show(section, await ask("/faults", wanted));
    state.textContent = "";
  } catch (error) {
    state.textContent = `${name}: ${error.message}`;
  }
}

function show(section, faults) {
  if (!section.contains(document.activeElement)) {
    field(section, "outage").value = faults.outage;
    field(section, "latency_ms").value = faults.latency_ms;
    field(section, "limit").value = faults.rate_limit?.limit ?? "";
    field(section, "retry_after").value = faults.rate_limit?.retry_after ?? 1;
    field(section, "multiple_or").checked = faults.multiple_or;
    field(section, "batch").checked = faults.batch;
    field(section, "dies").value = faults.dies;
    field(section, "export").value = faults.export;
  }
  const broken = faults.outage !== "none" || faults.rate_limit !== null || faults.dies !== "never"
    || faults.export !== "none";
  section.classList.toggle("broken", broken);
}

function count(section, report) {
  section.querySelector(".total").textContent = `${report.total} calls`;
  const lines = (title, kinds) => Object.entries(kinds).flatMap(([kind, subjects]) =>
    Object.entries(subjects).map(([subject, times]) => `${title}${kind} ${subject}: ${times}`));
  const text = [...lines("", report.calls), ...lines("in a batch: ", report.batch_entries)];
  section.querySelector("pre").textContent = text.join("\n");
}

const issuer = document.querySelector("#issuer");

function showIssuer({ misdeed, opaque, misdeeds }) {
  const choice = field(issuer, "misdeed");
  if (!choice.options.length) choice.append(...misdeeds.map((each) => new Option(each)));
  if (!issuer.contains(document.activeElement)) {
    choice.value = misdeed;
    field(issuer, "opaque").checked = opaque;
  }
  issuer.classList.toggle("broken", misdeed !== "none");
}

async function mislead(change) {
  showIssuer(await ask("/issuer", change));
}

field(issuer, "misdeed").addEventListener("change", (event) =>
  mislead({ misdeed: event.target.value }));
field(issuer, "opaque").addEventListener("change", (event) =>
  mislead({ opaque: event.target.checked }));
for (const keys of ["rotate", "withdraw"]) {
  field(issuer, keys).addEventListener("click", () => mislead({ keys }));
}

const waiting = document.querySelector("#authorizations ul");

function showWaiting({ pended }) {
  waiting.replaceChildren(...pended.map((id) => {
    const line = document.createElement("li");
    line.append(id, ...[["Certify", "A1"], ["Deny", "A3"]].map(([text, action]) => {
      const button = document.createElement("button");
      button.textContent = text;
      button.addEventListener("click", async () =>
        showWaiting(await ask(`/authorizations/${id}/decide`, { action })));
      return button;
    }));
    return line;
  }));
}

async function refresh() {
  try {
    const [faults, calls] = await Promise.all([ask("/faults"), ask("/calls")]);
    showIssuer(await ask("/issuer"));
    showWaiting(await ask("/authorizations"));
    for (const [name, value] of Object.entries(faults.upstreams)) {
      const section = byName.get(name) ?? add(name, faults);
      show(section, value);
      count(section, calls.upstreams[name]);
    }
  } catch {
    state.textContent = "The sandbox does not answer.";
  }
}

document.querySelector("#mend").addEventListener("click", async () => {
  await ask("/faults/reset", {});
  document.activeElement.blur();
  await refresh();
});
document.querySelector("#forget").addEventListener("click", async () => {
  await ask("/calls/reset", {});
  await refresh();
});
refresh();
setInterval(refresh, 1000);
