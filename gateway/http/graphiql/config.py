"""What the page asks the gateway about itself, as `config.json`; `page/src/config.ts` reads it."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Example(msgspec.Struct, frozen=True):
    """An operation the page offers to open."""

    name: str
    query: str
    variables: Mapping[str, Any] = {}


class Persona(msgspec.Struct, frozen=True):
    """Somebody the page can act as: the first one is chosen when it opens."""

    id: str
    title: str


class PageConfig(msgspec.Struct, frozen=True, rename="camel"):
    """Addresses are paths on the gateway's own origin: the page's CSP lets it reach no other.

    `token_url` takes `{"persona": id}` and answers as an OAuth token endpoint does; `plan_url`
    takes a GraphQL request and answers JSON whose `plan` is text; its other fields are shown as
    they are.
    """

    endpoint: str = "/graphql"
    examples: tuple[Example, ...] = ()
    personas: tuple[Persona, ...] = ()
    token_url: str | None = None
    plan_url: str | None = None
