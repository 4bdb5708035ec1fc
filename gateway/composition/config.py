"""Reading a `supergraph.yaml`: which subgraphs there are, and the files with their SDL.

The format is that of https://www.apollographql.com/docs/rover/commands/supergraphs#yaml-config,
as far as it names files. This is the only module here that touches the disk.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from gateway.composition.compose import MAX_CHARACTERS, SubgraphInput

_KNOWN = {"subgraphs", "federation_version"}


class ConfigError(ValueError):
    """The file cannot be used; the message says where and why."""


def read_config(path: Path) -> tuple[SubgraphInput, ...]:
    """The subgraphs a configuration names. Paths in it are relative to its own folder."""
    try:
        content = yaml.safe_load(_read(path))
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path} is nested too deeply") from None
    if not isinstance(content, dict) or not isinstance(content.get("subgraphs"), dict):
        raise ConfigError(f'{path} needs a mapping "subgraphs" of names to subgraphs')
    unknown = sorted(str(key) for key in content.keys() - _KNOWN)
    if unknown:
        raise ConfigError(f"{path} has unknown settings: {', '.join(unknown)}")
    if not content["subgraphs"]:
        raise ConfigError(f"{path} names no subgraphs")
    return tuple(_subgraph(path, name, settings) for name, settings in content["subgraphs"].items())


def _subgraph(path: Path, name: object, settings: Any) -> SubgraphInput:
    where = f'subgraph "{name}" in {path}'
    if not isinstance(name, str):
        raise ConfigError(f"{where}: a name must be a text")
    if not isinstance(settings, dict):
        raise ConfigError(f"{where} needs a routing_url and a schema")
    url = settings.get("routing_url", "")
    if not isinstance(url, str):
        raise ConfigError(f"{where}: routing_url must be a text")
    schema = settings.get("schema")
    file = schema.get("file") if isinstance(schema, dict) else None
    if not isinstance(file, str):
        raise ConfigError(f"{where} needs a schema with a file: {{schema: {{file: a.graphql}}}}")
    return SubgraphInput(name, url, _read(path.parent / file))


def _read(path: Path) -> str:
    try:
        # A character takes at most four bytes; what is larger would be refused anyway.
        if path.stat().st_size > 4 * MAX_CHARACTERS:
            raise ConfigError(f"{path} is too large")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text") from None
