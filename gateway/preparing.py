"""From what was asked to what may run: who asks, which operation, and what of it is permitted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from contract.errors import Code
from gateway.asked import Asked, Incremental, Selected
from gateway.authorization.bearer import read_bearer
from gateway.authorization.explain import FieldDecision, explain_decisions
from gateway.authorization.grants import GrantsOf
from gateway.authorization.identity import ANONYMOUS, DEVELOPER, Grants, Identity, Verified
from gateway.cache.lru import LruCache
from gateway.clients.clients import Clients
from gateway.decision import Decision, decide
from gateway.documents.prepare import Document
from gateway.documents.request import GraphQLRequest
from gateway.documents.resolve import Documents, Reader
from gateway.engine import Engine
from gateway.errors import Complaint, IdentityError, PublicText, RequestError
from gateway.federation.access_rules import AccessRules, policy_names
from gateway.operation.errors import OperationTooLargeError
from gateway.operation.tree import (
    INTROSPECTION_FIELDS,
    Field,
    Operation,
    OperationKind,
    SelectionSet,
)
from gateway.settings import Settings
from gateway.telemetry import Metrics

if TYPE_CHECKING:
    from gateway.authorization.tokens import TokenVerifier

OPERATIONS = 5_000
DECISIONS = 20_000
CACHED_FIELDS = 200_000
"""In all cached operations together; a field takes some 300 bytes."""
_META = INTROSPECTION_FIELDS | {"__typename"}


class Preparation:
    """One schema's stages before anything is charged or fetched, each a method of its own name."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        rules: AccessRules,
        documents: Documents,
        *,
        metrics: Metrics,
        grants_of: GrantsOf,
        clients: Clients,
        verifier: TokenVerifier | None,
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._rules = rules
        self._documents = documents
        self._metrics = metrics
        self._grants_of = grants_of
        self._clients = clients
        self._verifier = verifier
        self._operations: LruCache[tuple[str, str | None, bool], Selected] = LruCache(
            OPERATIONS, weight=CACHED_FIELDS
        )
        self._decisions: LruCache[tuple[str, str | None, bool, Grants], Decision] = LruCache(
            DECISIONS, weight=CACHED_FIELDS
        )

    async def identify(self, authorization: str | None, certificate: str | None = None) -> Identity:
        if self._verifier is None:
            return DEVELOPER
        if authorization is None:
            if not self._settings.allow_anonymous_introspection:
                raise IdentityError(Code.UNAUTHENTICATED)
            return ANONYMOUS
        token = read_bearer(authorization)
        if token is None:
            raise IdentityError(Code.UNAUTHENTICATED, note="another scheme than Bearer")
        return self._identity(await self._verifier.verify(token, certificate))

    def known(self, token: bytes | None) -> tuple[Identity, float] | None:
        """Who sends the token of this digest, and until when that is known without asking anyone.

        None where it is not, or where the token alone does not say.
        """
        if self._verifier is None:
            return DEVELOPER, math.inf
        verified = self._verifier.known(token) if token is not None else None
        if verified is None or verified.certificate is not None:
            return None
        return self._identity(verified), verified.until

    def reader(self, identity: Identity) -> Reader:
        name = identity.caller.client_id if identity.caller else ""
        client = self._clients.get(name)
        if client is None:
            return Reader(name)
        return Reader(name, client.limits, client.documents.trusted_only)

    async def resolve(self, request: GraphQLRequest, identity: Identity) -> Document:
        return await self._documents.resolve(request, self.reader(identity))

    def select(self, document: Document, asked: Asked, identity: Identity) -> Selected:
        in_parts = document.defers and asked.incremental is not Incremental.NONE
        selected = self.operation(document, asked.request.operation_name, in_parts=in_parts)
        self._check_kind(selected.operation, asked)
        self._check_introspection(selected, identity)
        return selected

    def authorize(self, selected: Selected, identity: Identity) -> Decision:
        decision = self.decide(selected, identity)
        for denial in decision.denials:
            self._metrics.denials.labels(denial.code).inc()
        return decision

    def decide(self, selected: Selected, identity: Identity) -> Decision:
        """As `authorize`, and nothing is counted."""
        key = (
            selected.document.hash,
            selected.operation.name,
            selected.in_parts,
            identity.grants,
        )
        decision = self._decisions.get(key)
        if decision is None:
            operation, schema = selected.operation, self._engine.schema
            decision = decide(operation, self._rules, identity.grants, schema)
            # Where nothing was taken out, the operation is the one that is cached already.
            size = _size(decision.permitted.operation.selections) if decision.denials else 0
            self._decisions.put(key, decision, weight=size + len(decision.denials))
        return decision

    def _identity(self, verified: Verified) -> Identity:
        caller = self._clients.bounded(verified.caller)
        return Identity(caller, self._grants_of(caller), verified.expires_at)

    def operation(
        self, document: Document, operation_name: str | None, *, in_parts: bool = False
    ) -> Selected:
        """The one of this name, normalized; raises `RequestError`."""
        key = (document.hash, operation_name, in_parts)
        selected = self._operations.get(key)
        if selected is None:
            document.operation(operation_name)
            try:
                operation = self._engine.normalize(
                    document.node, operation_name, deferring=in_parts
                )
            except OperationTooLargeError as error:
                complaint = Complaint(PublicText(f"{error}.".capitalize()))
                raise RequestError(Code.OPERATION_TOO_LARGE, complaint) from None
            selected = Selected(document, operation, in_parts)
            self._operations.put(key, selected, weight=_size(operation.selections))
        return selected

    def rulings(self, selected: Selected, identity: Identity) -> tuple[FieldDecision, ...]:
        """How each field of the operation was decided, and by what."""
        rulings = self._grants_of.rulings(identity.caller, policy_names(self._rules))
        return explain_decisions(
            selected.operation, self._rules, identity.grants, self._engine.schema, rulings
        )

    def _check_kind(self, operation: Operation, asked: Asked) -> None:
        if operation.kind is OperationKind.SUBSCRIPTION and not asked.subscribes:
            raise RequestError(Code.STREAM_REQUIRED)
        if operation.kind is not OperationKind.QUERY and asked.request.by_get:
            # https://graphql.github.io/graphql-over-http/draft/#sec-GET
            raise RequestError(Code.METHOD_NOT_ALLOWED)

    def _check_introspection(self, selected: Selected, identity: Identity) -> None:
        if selected.document.introspects and not self._may_introspect(identity):
            raise RequestError(Code.INTROSPECTION_DISABLED)
        if identity is ANONYMOUS and not _is_introspection(selected.operation):
            raise IdentityError(Code.UNAUTHENTICATED)

    def _may_introspect(self, identity: Identity) -> bool:
        roles = identity.caller.roles if identity.caller else ()
        return self._settings.open or not self._settings.introspection_roles.isdisjoint(roles)


def _is_introspection(operation: Operation) -> bool:
    return all(
        isinstance(selection, Field) and selection.name in _META
        for selection in operation.selections
    )


def _size(selections: SelectionSet) -> int:
    return sum(1 + _size(each.selections) for each in selections)
