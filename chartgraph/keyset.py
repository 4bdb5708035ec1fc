"""`chartgraph keys`: the keys of a deployment whose processes must not share a master key."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator

from contract.keys import KEY_BYTES, key_variable
from subgraphs.catalog import NAMES, added

PURPOSES = (
    *(f"context:{name}" for name in NAMES),
    "access-facts",
    "seal:ids",
    "seal:links",
    "store:identity",
    "store:governance",
    "store:writes",
    "store:insight",
    "store:coverage",
    "store:payments",
    "store:inbox",
    "events",
    "audit:chain",
    "audit:seal",
    "audit:checkpoint",
    "cache",
)


def new_keys() -> Iterator[tuple[str, str]]:
    """Variables and keys in base64; every call makes others."""
    for purpose in (*PURPOSES, *(f"context:{name}" for name in added())):
        yield key_variable(purpose), base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
