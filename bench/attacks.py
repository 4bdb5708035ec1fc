"""Requests that ask for much more than they say: one table, for the tests and for the benchmark.

Each is refused with a status of 4xx at a cost that stays near that of a small valid request.
Published ones carry the number of their advisory.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"


@dataclass(frozen=True)
class Attack:
    name: str
    body: Callable[[int], bytes | Iterable[bytes]]
    """Of the n-th attempt: no two are alike, so that nothing is remembered of the one before."""
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def document(name: str, text: str, **variables: Any) -> Attack:
    def body(attempt: int) -> bytes:
        asked = {"query": f"{text} # {attempt}", "variables": variables}
        return json.dumps(asked).encode()

    return Attack(name, body)


def raw(name: str, body: bytes, content_type: str = JSON, **headers: str) -> Attack:
    return Attack(name, lambda _: body, content_type, headers)


def spread(levels: int, leaf: str, step: str = "...F{0} ...F{0}", on: str = "Query") -> str:
    """Fragments each of which has the next one twice: 2^levels leaves."""
    parts = [f"fragment F{n} on {on} {{ {step.format(n + 1)} }}" for n in range(levels)]
    return f"{' '.join(parts)} fragment F{levels} on {on} {{ {leaf} }}"


def endless() -> Iterator[bytes]:
    yield b'{"query": "{ me { name } }", "x": "'
    while True:
        yield b"x" * 65_536


def deep(levels: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * levels + closing * levels).encode()


PATIENT = '{ patient(id: "p-1") { '
MANY = 100_000
VARIABLE = b'{"query": "query($v: Int) { weather(days: $v) }", "variables": {"v": '
ATTACKS = (
    document("2^20 fragments (GHSA-q2f9-x4p4-7xmh)", "{ ...F0 } " + spread(20, "__typename")),
    document("2^64 fragments (CVE-2025-32033)", "{ ...F0 } " + spread(64, "__typename")),
    document("2^300 fragments", "{ ...F0 } " + spread(300, "__typename")),
    document(
        "2^20 fragments, aliased (CVE-2026-47707)",
        PATIENT + "...F0 } } " + spread(20, "a: id b: id", on="Patient"),
    ),
    document(
        "2^20 fragments in introspection (CVE-2025-32380)",
        "{ __schema { types { ...F0 } } } "
        + spread(20, "name", "x: ofType {{ ...F{0} }} ofType {{ ...F{0} }}", "__Type"),
    ),
    document("aliases", PATIENT + " ".join(f"a{n}: id" for n in range(400)) + " } }"),
    document("directives", PATIENT + "id " + "@include(if: true) " * 300 + "} }"),
    document("unknown directives", "{ weather " + " ".join(f"@d{n}" for n in range(500)) + " }"),
    document("repeated fields (CVE-2023-26144)", PATIENT + "id " * 1900 + "} }"),
    document(
        "repeated fragments without names (GHSA-fc86-6rv6-2jpm)",
        PATIENT + ("... { " + "id " * 20 + "} ") * 80 + "} }",
    ),
    document("circular fragments (CVE-2026-47706)", "{ ...A } fragment A on Query { ...A }"),
    document(
        "fragments that all spread all",
        "{ ...F0 } "
        + " ".join(
            f"fragment F{n} on Query {{ {' '.join(f'...F{m}' for m in range(20))} }}"
            for n in range(20)
        ),
    ),
    document("a deep document", "{ a " * 5_000 + "}" * 5_000),
    document("a deep document within the tokens", PATIENT + "a { " * 600 + "b" + " }" * 602),
    document("a deep list", "{ weather(days: " + "[" * 900 + "]" * 900 + ") }"),
    document("root fields", "{ " + " ".join(f"f{n}" for n in range(1_900)) + " }"),
    document("fields", PATIENT + " ".join(f"f{n}" for n in range(1_900)) + " } }"),
    document("tokens", PATIENT + "id " * 30_000 + "} }"),
    document("operations", " ".join(f"query Q{n} {{ __typename }}" for n in range(300))),
    document(
        "definitions of variables",
        f"query({' '.join(f'$v{n}: Int' for n in range(480))}) {{ __typename }}",
    ),
    document(
        "introspection in circles",
        "{ __schema { types { " + "fields { type { " * 6 + "name" + " } }" * 6 + " } } }",
    ),
    document("deep introspection", "{ __schema { types { " + "ofType { " * 60 + "name" + " }" * 63),
    document("a long name", "{ " + "x" * MANY + " }"),
    document("a long string", '{ weather(at: "' + "x" * MANY + '") }'),
    document("a string of escapes", '{ weather(at: "' + "\\n" * MANY + '") }'),
    document("a long comment", "{ weather } # " + "x" * MANY),
    document("nothing but commas", "{ weather " + "," * MANY + "}"),
    document(
        "huge variables",
        "query($ids: [Int]) { weather(days: 1) }",
        ids=list(range(MANY // 4)),
    ),
    document("variables of many names", "{ weather }", **{f"v{n}": n for n in range(MANY // 8)}),
    document("many lists in variables", "{ weather }", v=[[]] * (MANY // 2)),
    raw("no request: null", b"null"),
    raw("no request: 7", b"7"),
    raw("no request: a string", b'"x"'),
    raw("no request: a list", b"[]"),
    raw("a batch", b'[{"query": "{ weather }"}]'),
    raw("a batch of many", b"[" + b'{"query": "{ weather }"},' * 5_000 + b"{}]"),
    raw("an empty body", b""),
    raw("bytes that are no UTF-8", b'{"query": "\xff\xfe{ weather }"}'),
    raw("a lone surrogate", b'{"query": "{ weather } # \\ud800"}'),
    raw("50,000 lists deep", b'{"query": "{ weather }", "variables": ' + deep(50_000) + b"}"),
    raw("40,000 objects deep", b'{"variables": ' + deep(40_000, '{"":', "}") + b"}"),
    raw("half a body", b'{"query": "{ weather }"'),
    raw("a number beyond all", VARIABLE + b"1e9999999999}}"),
    raw("a number beyond Int", VARIABLE + b"9" * 4_000 + b"}}"),
    raw("digits without end", b'{"query": ' + b"9" * 200_000 + b"}"),
    raw("a gzip bomb (CVE-2024-28101)", gzip.compress(b" " * 16_000_000), content_encoding="gzip"),
    raw("a deflated body", b"x", content_encoding="deflate"),
    raw("a brotli body", b"x", content_encoding="br"),
    *(
        raw(f"charset {name[:9]} (CVE-2026-23897)", b"{}", f"{JSON}; charset={name}")
        for name in ("utf-7", "cesu-8", "utf-16", "shift_jis", "ibm500", "x" * 5_000)
    ),
    *(
        raw(f"{kind or 'no type'} (GHSA-9q82-xgwf-vj6h)", b'{"query": "{ weather }"}', kind)
        for kind in ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded", "")
    ),
    raw("a body that is announced too long", b"{}", content_length="99999999999"),
    Attack("a body without an end (CVE-2024-43783)", lambda _: endless()),
)
