"""The index's tables, the same on SQLite and PostgreSQL, and how older ones become these.

Nothing of a person is in clear: `name`, `features`, `record` and `sealed` are ciphertexts, tokens
are keyed hashes (`crypto`). Versions are our own, not alembic's: these are the tables of one
package, and each step runs in the transaction that notes it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from subgraphs.runtime.idempotency import idempotency_table

METADATA: Final = sa.MetaData()
VERSION: Final = 4

members = sa.Table(
    "identity_member",
    METADATA,
    sa.Column("no", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("source", sa.String(32), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("person", sa.BigInteger, nullable=False, index=True),
    # The number of the person's founding member.
    sa.Column("first_seen", sa.BigInteger, nullable=False),
    # The round of crawls in which it came, and the last that listed it.
    sa.Column("last_seen", sa.BigInteger, nullable=False),
    sa.Column("received_at", sa.Float, nullable=False),
    # When its source said so; what is said later wins.
    sa.Column("asserted_at", sa.Float, nullable=False),
    sa.Column("retired", sa.Boolean, nullable=False),
    sa.Column("merged_to", sa.BigInteger),
    sa.Column("merged_by", sa.BigInteger),
    sa.Column("digest", sa.LargeBinary(16), nullable=False),
    sa.Column("blocks", sa.LargeBinary, nullable=False),
    sa.Column("words", sa.LargeBinary, nullable=False),
    sa.Column("features", sa.LargeBinary, nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("source", "name"),
)


def _tokens(name: str) -> sa.Table:
    return sa.Table(
        name,
        METADATA,
        sa.Column("token", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("member", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )


blocks = _tokens("identity_block")
words = _tokens("identity_word")

pairs = sa.Table(
    "identity_pair",
    METADATA,
    sa.Column("one", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("other", sa.BigInteger, primary_key=True, autoincrement=False, index=True),
    sa.Column("points", sa.Float, nullable=False),
    sa.Column("outcome", sa.SmallInteger, nullable=False),
    # Whether a human should look: two people as it stands, about whom nobody has decided.
    sa.Column("open", sa.Boolean, nullable=False, index=True),
    sqlite_with_rowid=False,
)
bonds = sa.Table(
    "identity_bond",
    METADATA,
    sa.Column("one", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("other", sa.BigInteger, primary_key=True, autoincrement=False, index=True),
    sa.Column("is_one", sa.Boolean, nullable=False),
    sa.Column("decision", sa.BigInteger, nullable=False),
)
decisions = sa.Table(
    "identity_decision",
    METADATA,
    sa.Column("no", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
decided = sa.Table(
    "identity_decided",
    METADATA,
    sa.Column("member", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("decision", sa.BigInteger, primary_key=True, autoincrement=False),
)
idempotency = idempotency_table("identity", METADATA)
crawls = sa.Table(
    "identity_crawl",
    METADATA,
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("completed_at", sa.Float),
)
counters = sa.Table(
    "identity_counter",
    METADATA,
    sa.Column("name", sa.String(16), primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)


async def migrate(connection: AsyncConnection) -> None:
    """Bring the database to `VERSION`; an empty one is made so."""
    await connection.run_sync(counters.create, checkfirst=True)
    where = counters.c.name == "version"
    found = await connection.scalar(sa.select(counters.c.value).where(where)) or 1
    for step in _STEPS[found - 1 :]:
        await connection.run_sync(step)
    await connection.run_sync(METADATA.create_all)
    await connection.execute(sa.update(counters).where(where).values(value=VERSION))


def _crawl_anew(connection: sa.Connection) -> None:
    """1 → 2: the first index kept nothing that the next crawl does not bring."""
    for table in ("identity_member", "identity_word", "identity_crawl"):
        connection.execute(sa.text(f"DROP TABLE IF EXISTS {table}"))
    METADATA.create_all(connection)
    connection.execute(sa.delete(counters))
    fresh = {"version": VERSION, "member": 0, "decision": 0, "round": 0, "turn": 0}
    rows = [{"name": name, "value": value} for name, value in fresh.items()]
    connection.execute(sa.insert(counters), rows)


def _weigh_anew(connection: sa.Connection) -> None:
    """2 → 3 → 4: keys and weights are others; whatever a source says next is news."""
    connection.execute(sa.update(members).values(digest=b""))


_STEPS: Final[tuple[Callable[[sa.Connection], None], ...]] = (
    _crawl_anew,
    _weigh_anew,
    _weigh_anew,
)
"""The n-th step leads from version n to the next."""
