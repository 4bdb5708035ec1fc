"""The one table of error codes a client may meet, with what each means and how to mend it.

A code is part of the public contract: it is never renamed and never reused. Messages say what
happened in general words; they quote neither the request nor an upstream's answer, since both may
hold PHI. https://spec.graphql.org/October2021/#sec-Errors
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    # The request itself
    BAD_REQUEST = "BAD_REQUEST"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    OPERATION_RESOLUTION_FAILURE = "OPERATION_RESOLUTION_FAILURE"
    OPERATION_TOO_LARGE = "OPERATION_TOO_LARGE"
    COST_ESTIMATED_TOO_EXPENSIVE = "COST_ESTIMATED_TOO_EXPENSIVE"
    SLICING_ARGUMENT_REQUIRED = "SLICING_ARGUMENT_REQUIRED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_HASH_MISMATCH = "PERSISTED_QUERY_HASH_MISMATCH"
    TRUSTED_DOCUMENT_REQUIRED = "TRUSTED_DOCUMENT_REQUIRED"
    INTROSPECTION_DISABLED = "INTROSPECTION_DISABLED"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    STREAM_REQUIRED = "STREAM_REQUIRED"
    # Who asks
    UNAUTHENTICATED = "UNAUTHENTICATED"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105 - the name of a code, not a secret
    TOKEN_INVALID = "TOKEN_INVALID"  # noqa: S105 - likewise
    FORBIDDEN = "FORBIDDEN"
    SCOPE_REQUIRED = "SCOPE_REQUIRED"
    PURPOSE_NOT_PERMITTED = "PURPOSE_NOT_PERMITTED"
    ACCESS_CHANGED = "ACCESS_CHANGED"
    CLIENT_UNKNOWN = "CLIENT_UNKNOWN"
    # How much of it
    BUDGET_EXCEEDED = "BUDGET_EXCEEDED"
    RATE_LIMITED = "RATE_LIMITED"
    # What was asked for
    NOT_FOUND = "NOT_FOUND"
    # Systems behind us
    SOURCE_UNAVAILABLE = "SOURCE_UNAVAILABLE"
    SOURCE_TIMEOUT = "SOURCE_TIMEOUT"
    SOURCE_RATE_LIMITED = "SOURCE_RATE_LIMITED"
    SOURCE_REFUSED = "SOURCE_REFUSED"
    SOURCE_PROTOCOL_VIOLATION = "SOURCE_PROTOCOL_VIOLATION"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    IN_PROGRESS = "IN_PROGRESS"
    SUBGRAPH_UNAVAILABLE = "SUBGRAPH_UNAVAILABLE"
    SUBGRAPH_INVALID_RESPONSE = "SUBGRAPH_INVALID_RESPONSE"
    SUBGRAPH_ERROR = "SUBGRAPH_ERROR"
    # Between gateway and subgraph
    CONTEXT_REFUSED = "CONTEXT_REFUSED"
    # Us
    AUDIT_UNAVAILABLE = "AUDIT_UNAVAILABLE"
    ISSUER_UNAVAILABLE = "ISSUER_UNAVAILABLE"
    OVERLOADED = "OVERLOADED"
    SCHEMA_CHANGED = "SCHEMA_CHANGED"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    EVENTS_LOST = "EVENTS_LOST"
    PLAN_FAILED = "PLAN_FAILED"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code tells its reader; `status` is the HTTP status of a request it ends whole."""

    status: int
    message: str
    mend: str


MEANINGS: dict[Code, Meaning] = {
    Code.BAD_REQUEST: Meaning(
        400, "The request is not a GraphQL request.", "Send a JSON object with a query string."
    ),
    Code.UNSUPPORTED_MEDIA_TYPE: Meaning(
        415, "The content type is not supported.", "Send application/json in UTF-8."
    ),
    Code.METHOD_NOT_ALLOWED: Meaning(405, "The method is not allowed here.", "Use POST."),
    Code.PAYLOAD_TOO_LARGE: Meaning(
        413, "The request body is too large.", "Shorten the document or its variables."
    ),
    Code.GRAPHQL_PARSE_FAILED: Meaning(
        400, "The document has a syntax error.", "Correct the place named in locations."
    ),
    Code.GRAPHQL_VALIDATION_FAILED: Meaning(
        400, "The document does not fit the schema.", "Correct the place named in locations."
    ),
    Code.OPERATION_RESOLUTION_FAILURE: Meaning(
        400, "The operation to run cannot be told.", "Name one of the document's operations."
    ),
    Code.OPERATION_TOO_LARGE: Meaning(
        400, "The operation exceeds a limit.", "Ask for less in one operation."
    ),
    Code.COST_ESTIMATED_TOO_EXPENSIVE: Meaning(
        400,
        "The operation may cost more than one operation is allowed to.",
        "Ask for fewer rows or fields; extensions.cost has the numbers.",
    ),
    Code.SLICING_ARGUMENT_REQUIRED: Meaning(
        400, "A list needs exactly one of its paging arguments.", "Give one of those named."
    ),
    Code.PERSISTED_QUERY_NOT_FOUND: Meaning(
        404, "PersistedQueryNotFound", "Send the document once together with its hash."
    ),
    Code.PERSISTED_QUERY_HASH_MISMATCH: Meaning(
        400, "The document does not have the given hash.", "Send its SHA-256 in hexadecimal."
    ),
    Code.TRUSTED_DOCUMENT_REQUIRED: Meaning(
        403, "Only registered documents run here.", "Register the document for this client."
    ),
    Code.INTROSPECTION_DISABLED: Meaning(
        400, "Introspection is off.", "Use a development gateway or the published schema."
    ),
    Code.BAD_USER_INPUT: Meaning(
        400, "A variable does not have its declared type.", "Correct the variable named."
    ),
    Code.STREAM_REQUIRED: Meaning(
        406,
        "A subscription is answered by a stream.",
        "Accept text/event-stream or multipart/mixed;subscriptionSpec=1.0, or use a WebSocket.",
    ),
    Code.UNAUTHENTICATED: Meaning(401, "Nobody is signed in.", "Send a bearer token."),
    Code.TOKEN_EXPIRED: Meaning(401, "The token has expired.", "Obtain a new token."),
    Code.TOKEN_INVALID: Meaning(
        401, "The token is not one of a trusted issuer for this API.", "Obtain a token for it."
    ),
    Code.FORBIDDEN: Meaning(403, "This is not permitted.", "Ask whoever grants you access."),
    Code.SCOPE_REQUIRED: Meaning(
        403, "The token lacks a scope for this field.", "Request one of the scopes named."
    ),
    Code.PURPOSE_NOT_PERMITTED: Meaning(
        403,
        "The token's purpose of use is not open to its roles.",
        "Obtain a token for a purpose that the role may have.",
    ),
    Code.ACCESS_CHANGED: Meaning(
        403, "What you may see has changed since you subscribed.", "Subscribe again."
    ),
    Code.CLIENT_UNKNOWN: Meaning(
        403, "The token's client is not registered here.", "Ask the operator to register it."
    ),
    Code.BUDGET_EXCEEDED: Meaning(
        429,
        "The client has not enough points left for this operation.",
        "Retry after the time named, or ask for less.",
    ),
    Code.RATE_LIMITED: Meaning(
        429, "The client sends more requests than it may.", "Retry after the time named."
    ),
    Code.NOT_FOUND: Meaning(404, "There is no such record.", "Check the id."),
    Code.SOURCE_UNAVAILABLE: Meaning(502, "A source cannot be reached.", "Retry later."),
    Code.SOURCE_TIMEOUT: Meaning(504, "A source did not answer in time.", "Retry later."),
    Code.SOURCE_RATE_LIMITED: Meaning(
        503, "A source asks for fewer requests.", "Retry after the time named."
    ),
    Code.SOURCE_REFUSED: Meaning(
        502, "A source refused our credentials.", "Its operator must renew them."
    ),
    Code.SOURCE_PROTOCOL_VIOLATION: Meaning(
        502, "A source's answer breaks its protocol.", "Its operator must look into it."
    ),
    Code.OUTCOME_UNKNOWN: Meaning(
        504,
        "A source may have done it or not.",
        "Ask again with the same idempotency key: it is found out, and nothing is done twice.",
    ),
    Code.IN_PROGRESS: Meaning(
        409,
        "The same is being done at this moment.",
        "Ask again with the same idempotency key in a minute.",
    ),
    Code.SUBGRAPH_UNAVAILABLE: Meaning(502, "A part of the graph is down.", "Retry later."),
    Code.SUBGRAPH_INVALID_RESPONSE: Meaning(
        502, "A part of the graph gave an unusable answer.", "Report the request id."
    ),
    Code.SUBGRAPH_ERROR: Meaning(
        502, "A part of the graph failed.", "Report the request id if it persists."
    ),
    Code.CONTEXT_REFUSED: Meaning(
        401, "The signed context is missing or not valid.", "Ask through the gateway."
    ),
    Code.AUDIT_UNAVAILABLE: Meaning(
        503, "The audit trail cannot be written, so nothing may leave.", "Retry later."
    ),
    Code.ISSUER_UNAVAILABLE: Meaning(
        503, "The token's issuer cannot be asked about it.", "Retry later."
    ),
    Code.OVERLOADED: Meaning(503, "Too many requests at once.", "Retry after the time named."),
    Code.SCHEMA_CHANGED: Meaning(
        503, "The schema has changed since you subscribed.", "Subscribe again."
    ),
    Code.SHUTTING_DOWN: Meaning(503, "This server is about to stop.", "Subscribe again."),
    Code.EVENTS_LOST: Meaning(
        503, "Events came faster than they were read.", "Subscribe again, and query what is now."
    ),
    Code.PLAN_FAILED: Meaning(
        500, "This operation could not be planned.", "Report the request id."
    ),
    Code.INTERNAL: Meaning(500, "An internal error occurred.", "Report the request id."),
}
