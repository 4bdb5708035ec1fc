"""However an operation is spelt, the decision about each of its fields is that of the plain query.

`CHARTGRAPH_REWRITINGS=10000` tries that many for each supergraph; a seed that fails is printed, and
alone in `CHARTGRAPH_REWRITING_SEED` runs again.
"""

from __future__ import annotations

import os
from random import Random

import pytest
from graphql import get_named_type, is_abstract_type, parse, validate
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.authorization.authorize import authorize
from gateway.authorization.explain import explain_decisions
from gateway.authorization.identity import Grants
from gateway.authorization.scopes import covers
from gateway.federation.access_rules import OPEN, TYPENAME, access_rules
from gateway.operation.normalize import normalize
from gateway.operation.tree import InlineFragment
from tests.gateway.planning.random_operations import OperationMaker
from tests.security.rewriting import Rewriter
from tests.security.supergraphs import inherited, product, small

EXAMPLES = int(os.environ.get("CHARTGRAPH_REWRITINGS", "150"))
SEED = int(os.environ.get("CHARTGRAPH_REWRITING_SEED", "0"))
VALIDATED = 8
"""Validating costs more than all the rest: one in so many is, to know that all of them could be."""
GRAPHS = {"product": product, "small": small, "inherited": inherited}
DRAWN = settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)


@pytest.fixture(scope="module", params=GRAPHS)
def graph(request):
    return Graph(GRAPHS[request.param]())


def names_in(requirements):
    return {name for alternatives in requirements for names in alternatives for name in names}


class Graph:
    def __init__(self, supergraph):
        self.schema = supergraph.api_schema
        self.rules = access_rules(supergraph)
        rules = self.rules.values()
        self.scopes = sorted(names_in(each for rule in rules for each in rule.scopes))
        self.policies = sorted(names_in(each for rule in rules for each in rule.policies))

    def operation(self, text, *, deferring=False):
        return normalize(parse(text, no_location=True), None, self.schema, deferring=deferring)

    def plain(self, random):
        """A query, a change or what to listen to, as far as the schema has them."""
        kinds = {"query": self.schema.query_type, "mutation": self.schema.mutation_type}
        kinds["subscription"] = self.schema.subscription_type
        kind = random.choice([name for name, root in kinds.items() if root])
        return OperationMaker(self.schema, random, size=25).make(kind)[0]

    def grants(self, random):
        scopes = [s for s in self.scopes if random.random() < 0.5]
        if random.random() < 0.2:
            scopes += random.sample(["user/*.rs", "patient/*.r", "system/*.read"], 1)
        narrowed = [f"{s}?category=x" if "/" in s and random.random() < 0.2 else s for s in scopes]
        policies = [p for p in self.policies if random.random() < 0.5]
        return Grants(random.random() < 0.9, frozenset(narrowed), frozenset(policies))

    def objects(self, name):
        type_ = self.schema.type_map[name]
        possible = self.schema.get_possible_types(type_) if is_abstract_type(type_) else (type_,)
        return frozenset(each.name for each in possible)

    def places(self, operation):
        """Every (object type, field, path of field names) there is in the operation."""
        found = set()
        self._walk(operation.selections, self.objects(operation.root_type), (), found, {}, ())
        return found

    def names(self, operation):
        """From the response keys of a path to its field names."""
        names = {}
        self._walk(operation.selections, self.objects(operation.root_type), (), set(), names, ())
        return names

    def _walk(self, selections, types, path, found, names, keys):
        for each in selections:
            if isinstance(each, InlineFragment):
                inner = types & self.objects(each.type_condition)
                self._walk(each.selections, inner, path, found, names, keys)
                continue
            here, key = (*path, each.name), (*keys, each.response_key)
            names[key] = here
            holders = types & self.objects(each.parent_type)
            found.update((holder, each.name, here) for holder in holders)
            if each.selections:
                field = self.schema.type_map[each.parent_type].fields[each.name]
                below = self.objects(get_named_type(field.type).name)
                self._walk(each.selections, below, here, found, names, key)

    def decisions(self, text, grants, *, deferring=False):
        """What is permitted, and what is refused and why; `__typename` may stand in for what is
        refused below an object, so only its refusals count."""
        operation = self.operation(text, deferring=deferring)
        authorized = authorize(operation, self.rules, grants, self.schema)
        names = self.names(operation)
        permitted = {p for p in self.places(authorized.operation) if p[1] != TYPENAME}
        denied = {
            (type_, each.field, names[each.path], each.code, each.scopes)
            for each in authorized.denials
            for type_ in each.types
        }
        return permitted, denied

    def may(self, type_, field, grants):
        """The rule, read without the code under test."""
        rule = self.rules.get((type_, field), OPEN)
        if rule == OPEN:
            return True
        return (
            grants.authenticated
            and all(any(all(covers(grants.scopes, s) for s in n) for n in e) for e in rule.scopes)
            and all(any(grants.policies >= set(n) for n in each) for each in rule.policies)
        )


@given(st.integers(min_value=0, max_value=2**63))
@example(SEED)
@DRAWN
def test_no_rewriting_gets_another_decision(graph, seed):
    random = Random(seed)
    plain = graph.plain(random)
    rewritten = Rewriter(graph.schema, random, defers=random.random() < 0.5).rewrite(plain)
    if seed % VALIDATED == 0:
        assert validate(graph.schema, parse(rewritten)) == []
    grants = graph.grants(random)
    permitted, denied = graph.decisions(rewritten, grants)
    assert (permitted, denied) == graph.decisions(plain, grants), (plain, rewritten)
    if "@defer" in rewritten:
        # Also where what is deferred comes in parts of its own.
        in_parts = graph.decisions(rewritten, grants, deferring=True)
        assert in_parts == (permitted, denied), (plain, rewritten)
    assert all(graph.may(type_, field, grants) for type_, field, _ in permitted)
    assert not any(graph.may(type_, field, grants) for type_, field, *_ in denied)
    # What is neither left nor refused lies below something that was refused.
    refused = {path for _, _, path, *_ in denied}
    for type_, field, path in graph.places(graph.operation(plain)):
        if field != TYPENAME and (type_, field, path) not in permitted:
            assert any(path[:length] in refused for length in range(1, len(path) + 1))


@given(st.integers(min_value=0, max_value=2**63))
@example(SEED)
@DRAWN
def test_what_is_explained_is_what_is_decided(graph, seed):
    random = Random(seed)
    operation = graph.operation(Rewriter(graph.schema, random).rewrite(graph.plain(random)))
    grants = graph.grants(random)
    explained = explain_decisions(operation, graph.rules, grants, graph.schema, {})
    told = {(each.path, type_) for each in explained if not each.permitted for type_ in each.types}
    authorized = authorize(operation, graph.rules, grants, graph.schema)
    assert told == {(each.path, type_) for each in authorized.denials for type_ in each.types}
    assert all(each.reasons for each in explained)


def test_the_rewritings_are_many(graph):
    """That they are not all the plain query over again."""
    random = Random(1)
    plain, _ = OperationMaker(graph.schema, random).make()
    texts = {Rewriter(graph.schema, random, defers=True).rewrite(plain) for _ in range(50)}
    assert len(texts) > 40
    together = "".join(texts)
    assert all(
        part in together for part in ("@include", "@skip", "@defer", "fragment F", "... {", ": ")
    )
