"""The files in which build tools write down a client's documents.

Read are those of @apollo/generate-persisted-query-manifest, of relay-compiler (`persistConfig`) and
of graphql-codegen's client preset (`persistedDocuments`):
https://www.apollographql.com/docs/graphos/platform/security/persisted-queries#manifest-format
https://relay.dev/docs/guides/persisted-queries/#local-persisted-queries
https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#persisted-documents
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from gateway.documents.prepare import hash_text

PREFIX: Final = "sha256:"
"""May stand before an id; the id is the same without it."""
APOLLO: Final = ("apollo-persisted-query-manifest", 1)

Manifest: TypeAlias = Mapping[str, str]
"""Texts by id, ids without a prefix."""


class ManifestError(ValueError):
    """A file that is no manifest; the message names it, and what is wrong."""


def read_manifest(path: Path) -> Manifest:
    try:
        content = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        raise ManifestError(f"{path} cannot be read as a manifest of documents") from None
    pairs = _operations(path, content) if "format" in content else content.items()
    return _collect(path, pairs)


def indexed(manifest: Manifest) -> Manifest:
    """The same, with every text under its hash too: who asks by hash gets what it has by id."""
    return {**manifest, **{hash_text(text): text for text in manifest.values()}}


def bare(document_id: str) -> str:
    return document_id.removeprefix(PREFIX)


def _operations(path: Path, content: Mapping[str, Any]) -> Iterable[tuple[Any, Any]]:
    operations = content.get("operations")
    if (content["format"], content.get("version")) != APOLLO or not isinstance(operations, list):
        raise ManifestError(f"{path} is a manifest of another format, or of another version")
    if not all(isinstance(each, dict) for each in operations):
        raise ManifestError(f"{path} is no manifest: an operation is not an object")
    return [(each.get("id"), each.get("body")) for each in operations]


def _collect(path: Path, pairs: Iterable[tuple[Any, Any]]) -> Manifest:
    texts: dict[str, str] = {}
    for document_id, text in pairs:
        if not isinstance(document_id, str) or not isinstance(text, str):
            raise ManifestError(f"{path} is no manifest: it has to map ids to texts")
        name = bare(document_id)
        if not name:
            raise ManifestError(f"{path} has a document without an id")
        if texts.setdefault(name, text) != text:
            raise ManifestError(f"{path} gives the id {document_id!r} to several documents")
    return texts
