"""The tables; who and what is only in the sealed columns, or as a keyed hash."""

from __future__ import annotations

import sqlalchemy as sa

from subgraphs.runtime.idempotency import idempotency_table

METADATA = sa.MetaData()
NAME = "governance"

consents = sa.Table(
    "governance_consent",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("patient", sa.String(32), nullable=False, index=True),
    sa.Column("is_latest", sa.Boolean, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
grants = sa.Table(
    "governance_grant",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("patient", sa.String(32), nullable=False, index=True),
    sa.Column("at", sa.Float, nullable=False, index=True),
    sa.Column("until", sa.Float, nullable=False),
    sa.Column("is_reviewed", sa.Boolean, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
entries = sa.Table(
    "governance_entry",
    METADATA,
    sa.Column("process", sa.String(32), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
"""What the audit trail holds, without what was asked."""
seen = sa.Table(
    "governance_seen",
    METADATA,
    sa.Column("patient", sa.String(32), primary_key=True),
    sa.Column("at", sa.Float, primary_key=True),
    sa.Column("process", sa.String(32), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("purpose", sa.String(32), nullable=False),
)
"""Which entries are about whom, in order of time, and what for."""
uses = sa.Table(
    "governance_use",
    METADATA,
    sa.Column("grant", sa.String(32), primary_key=True),
    sa.Column("process", sa.String(32), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
)
"""Which answers showed something under which grant."""
chains = sa.Table(
    "governance_chain",
    METADATA,
    sa.Column("process", sa.String(32), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("mac", sa.LargeBinary(32), nullable=False),
    sa.Column("broken_at", sa.Integer),
)
"""How far each process's part of the trail was read, and the first row that does not fit."""
changes = sa.Table(
    "governance_change",
    METADATA,
    sa.Column("name", sa.String(16), primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)
idempotency = idempotency_table(NAME, METADATA)
