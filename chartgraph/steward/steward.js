// The queue of reviews and the decision about one. The token lives in `token` and nowhere else.

const PAGE = 20;
const config = await (await fetch('config.json')).json();
const at = (id) => document.getElementById(id);
let token = null;
let reviews = [];
let cursor = null;
let current = null;
// Of one intention: sent again after a failure, it is not done twice.
let intention = null;

const LABELS = {
  given: 'Given name', family: 'Family name', birthDate: 'Birth date', ssn: 'Social security number',
  address: 'Street', place: 'Place', phone: 'Telephone', email: 'E-mail', sex: 'Sex',
  middle: 'Middle name', suffix: 'Suffix', number: 'Other number',
};
const SHOWN = {
  given: names, family: names, middle: names, suffix: names,
  birthDate: (side) => [side.birthDate], ssn: (side) => [side.ssn], sex: (side) => [side.gender],
  address: (side) => side.addresses.map((address) => address.line.join(', ')),
  place: (side) => side.addresses.map((address) =>
    [address.postalCode, address.city, address.state].filter(Boolean).join(' ')),
  phone: (side) => telecom(side, 'phone'), email: (side) => telecom(side, 'email'),
  number: (side) => side.identifiers.map((identifier) => identifier.value),
};

function names(side) {
  return side.names.map((name) => name.text);
}

function telecom(side, system) {
  return side.telecom.filter((each) => each.system === system).map((each) => each.value);
}

function say(text) {
  at('status').textContent = text;
}

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text ?? '';
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

async function ask(query, variables) {
  const response = await fetch(config.endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
    cache: 'no-store',
  });
  const answer = await response.json();
  if (answer.errors?.length) {
    const { message, extensions } = answer.errors[0];
    throw new Error(`${message} ${extensions?.mend ?? ''}`);
  }
  return answer.data;
}

async function signIn() {
  if (config.tokenUrl === null) {
    token = at('token').value.trim();
    at('token').value = '';
  } else {
    const response = await fetch(config.tokenUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ persona: config.persona }),
      cache: 'no-store',
    });
    if (!response.ok) throw new Error('The issuer gave no token.');
    token = (await response.json()).access_token;
  }
  reviews = [];
  cursor = null;
  await load();
}

async function load() {
  const { identityReviews: page } = await ask(config.reviews, { first: PAGE, after: cursor });
  reviews.push(...page.nodes);
  cursor = page.pageInfo.endCursor;
  at('more').hidden = !page.pageInfo.hasNextPage;
  say(reviews.length ? 'Signed in.' : 'Signed in. There is nothing to decide.');
  list();
  show(reviews.includes(current) ? current : reviews[0]);
}

function list() {
  at('count').textContent = `(${reviews.length})`;
  at('queue').replaceChildren(...reviews.map((review) => {
    const button = element('button', `${title(review)} · ${review.points}`, { type: 'button' });
    button.setAttribute('aria-current', String(review === current));
    button.addEventListener('click', () => {
      show(review);
      at('review').focus();
    });
    const item = document.createElement('li');
    item.append(button);
    return item;
  }));
}

function title(review) {
  return `${names(review.one)[0] ?? '?'} and ${names(review.other)[0] ?? '?'}`;
}

function show(review) {
  current = review;
  intention = null;
  at('review').hidden = !review;
  list();
  if (!review) return;
  at('title').textContent = title(review);
  at('rule').textContent = review.rule
    ? `Not linked because of: ${review.rule}. ${review.points} points in all.`
    : `Not linked by points: ${review.points} are too few.`;
  at('one-source').textContent = review.one.source;
  at('other-source').textContent = review.other.source;
  const told = new Map(review.evidence.map((evidence) => [evidence.field, evidence]));
  at('fields').replaceChildren(...Object.keys(LABELS).flatMap((field) => row(field, review, told.get(field))));
  const history = review.patients.flatMap((patient) => patient.identityHistory ?? []);
  lines('history', history.map((each) => `${each.at}: ${each.kind} by ${each.by}: ${each.reason}`));
  lines('candidates', review.candidates.map((each) => `${each.name?.text ?? '?'}, ${each.birthDate ?? '?'}`));
}

function row(field, review, evidence) {
  const [one, other] = [review.one, review.other].map((side) => SHOWN[field](side).filter(Boolean));
  if (!evidence && (field === 'family' || field === 'middle' || field === 'suffix' || !(one.length + other.length))) return [];
  const made = element('tr');
  made.className = evidence?.level === 'same' ? 'agrees' : evidence ? 'differs' : '';
  made.append(
    element('th', LABELS[field], { scope: 'row' }),
    element('td', one.join('; ')),
    element('td', other.join('; ')),
    element('td', evidence?.level ?? 'not told by both'),
    element('td', evidence ? String(evidence.points) : '', { class: 'points' }),
  );
  return [made];
}

function lines(id, texts) {
  at(id).replaceChildren(...(texts.length ? texts : ['none']).map((text) => element('li', text)));
}

async function decide(verdict) {
  const reason = at('reason').value.trim();
  if (!reason) {
    at('reason').focus();
    return say('Say why, for those who come after.');
  }
  const asked = JSON.stringify([current.id, verdict, reason]);
  if (intention?.asked !== asked) intention = { asked, key: crypto.randomUUID() };
  const input = {
    review: current.id, verdict, reason, ifMatch: current.version, idempotencyKey: intention.key,
  };
  const { decideIdentityReview: outcome } = await ask(config.decide, { input });
  if (outcome.__typename !== 'IdentityDecided') return say(`${outcome.message} Nothing was changed.`);
  say(verdict === 'ONE' ? 'Decided: one person.' : 'Decided: two people.');
  at('reason').value = '';
  reviews = reviews.filter((review) => review !== current);
  list();
  show(reviews[0]);
  at('review').focus();
}

function guarded(act) {
  act().catch((error) => say(error.message));
}

at('token').hidden = at('token-label').hidden = config.tokenUrl !== null;
at('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  guarded(signIn);
});
at('more').addEventListener('click', () => guarded(load));
at('decision').addEventListener('submit', (event) => {
  event.preventDefault();
  guarded(() => decide(event.submitter.value));
});
document.addEventListener('keydown', (event) => {
  const verdict = event.altKey && { 1: 'ONE', 2: 'TWO' }[event.key];
  if (verdict && current) {
    event.preventDefault();
    guarded(() => decide(verdict));
  }
});
