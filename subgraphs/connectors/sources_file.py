"""The sources a deployment talks to, read from `sources.yaml`.

A mistake is reported with the file, the source and the setting it concerns.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import yaml

from subgraphs.connectors.config import ConfigError, SourceConfig
from subgraphs.connectors.kinds import connector_of


def load_sources(path: Path) -> tuple[SourceConfig, ...]:
    """Read every source of a YAML file, or raise `ConfigError` naming the first mistake."""
    loaded = {str(id_): _source(path, str(id_), raw) for id_, raw in _read(path).items()}
    for id_, source in loaded.items():
        mistake = source.mistake(loaded)
        if mistake:
            raise ConfigError(f"{path}: source {id_}: {mistake}")
    return tuple(loaded.values())


class _Loader(yaml.SafeLoader):
    """YAML 1.2 in one respect: `multiple_or: no` and `conformance: off` are words, not booleans."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - its base declares it so
        first: [resolver for resolver in resolvers if resolver[0] != "tag:yaml.org,2002:bool"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def _read(path: Path) -> Mapping[str, object]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - safe
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigError(f"{path}: is not YAML") from None
    sources = content.get("sources") if isinstance(content, dict) else None
    if not isinstance(sources, dict) or set(content) != {"sources"}:
        raise ConfigError(f"{path}: expected one key, sources, with a source under each id")
    return sources


def _source(path: Path, id_: str, raw: object) -> SourceConfig:
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: source {id_}: expected settings")
    try:
        settings = connector_of(raw.get("kind")).settings
        source = msgspec.convert(
            {**raw, "id": id_}, type=settings, dec_hook=_existing_file(path.parent)
        )
    except (ConfigError, msgspec.ValidationError) as error:
        raise ConfigError(f"{path}: source {id_}: {error}") from None
    for url in source.urls():
        problem = _url_problem(url, plain=source.allow_plain_http)
        if problem:
            raise ConfigError(f"{path}: source {id_}: {problem}")
    return source


def _existing_file(folder: Path) -> Callable[[type, object], object]:
    def decode(type_: type, value: object) -> object:
        if type_ is not Path or not isinstance(value, str):
            raise TypeError("expected the name of a file")
        file = folder / value
        if not file.is_file():
            raise ValueError(f"there is no file {file}")
        return file

    return decode


def _url_problem(url: str, *, plain: bool) -> str | None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return "a URL must start with https:// and name a host"
    if parts.query or parts.fragment or parts.username is not None:
        return "a URL must have no query, fragment or credentials"
    if parts.scheme == "http" and not plain and not _is_loopback(parts.hostname):
        return "without TLS only a loopback address is reached (or set allow_plain_http: true)"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
