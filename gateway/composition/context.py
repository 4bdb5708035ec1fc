"""The `field` of `@fromContext`: `$context selection`.

https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/entities/use-contexts
"""

from __future__ import annotations

import re

_IGNORED = r"(?:[\n\r\t ,]|#[^\n\r]*(?![^\n\r]))*"
_FIELD = re.compile(rf"^{_IGNORED}\${_IGNORED}([A-Za-z_]\w*(?!\w))([\s\S]*)$")


def parse_context(text: str) -> tuple[str | None, str | None]:
    """The context's name and the selection as written; both None when no context is named."""
    match = _FIELD.match(text)
    return (match[1], match[2]) if match else (None, None)
