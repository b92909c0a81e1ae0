"""The ledger: works, claims, indexes, and its own id."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the four tables."""
    _work()
    _claim()
    _index()
    _create(
        "scrypath_ledger",
        sa.Column("id", _word(32), primary_key=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("relayed_at", sa.Double(), nullable=False),
    )


def downgrade() -> None:
    """Drop them, and all work with them."""
    for table in ("scrypath_ledger", "scrypath_index", "scrypath_claim", "scrypath_work"):
        op.drop_table(table)


def _work() -> None:
    id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    _create(
        "scrypath_work",
        sa.Column("id", id, primary_key=True, autoincrement=True),
        sa.Column("index_uid", _word(400), nullable=False),
        sa.Column("operation", _word(16), nullable=False),
        sa.Column("ids", _text(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("mode", _word(16), nullable=False),
        sa.Column("state", _word(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.Column("reason_class", _word(32)),
        sa.Column("reason", sa.String(500)),
        sa.Column("error_code", _word(64)),
        sa.Column("task_id", sa.String(64)),
        sa.Column("claim_token", _word(32)),
        sa.Column("claim_number", sa.BigInteger()),
        sa.Column("worker", sa.String(200)),
        sa.Column("engine_uids", _text()),
        sa.Column("history", _text()),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("publish_after", sa.Double(), nullable=False),
        sa.Column("available_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double()),
        sa.Column("finished_at", sa.Double()),
        sqlite_autoincrement=True,
    )
    history = "('succeeded', 'cancelled')"
    op.create_index(
        "ix_scrypath_work_unfinished",
        "scrypath_work",
        ["state", "index_uid", "id"],
        postgresql_where=sa.text(f"state NOT IN {history}"),
    )
    op.create_index(
        "ix_scrypath_work_finished",
        "scrypath_work",
        ["state", "finished_at"],
        postgresql_where=sa.text(f"state IN {history}"),
    )
    op.create_index("ix_scrypath_work_claim_number", "scrypath_work", ["index_uid", "claim_number"])


def _claim() -> None:
    _create(
        "scrypath_claim",
        sa.Column("token", _word(32), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("index_uid", _word(400), nullable=False),
        sa.Column("target", _word(400)),
        sa.Column("state", _word(16), nullable=False),
        sa.Column("worker", sa.String(200)),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("ids", _text(), nullable=False),
        sa.Column("engine_uids", _text(), nullable=False),
        sa.Column("unanswered", sa.Integer(), nullable=False),
        sa.Column("seen_uid", sa.BigInteger()),
        sa.Column("watch_until", sa.Double()),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_scrypath_claim_number", "scrypath_claim", ["index_uid", "number"])
    op.create_index("ix_scrypath_claim_state", "scrypath_claim", ["state", "lease_until"])


def _index() -> None:
    _create(
        "scrypath_index",
        sa.Column("index_uid", _word(400), primary_key=True),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("paused_until", sa.Double()),
        sa.Column("paused_since", sa.Double()),
        sa.Column("pauses", sa.Integer(), nullable=False),
        sa.Column("pause_class", _word(32)),
        sa.Column("pause_reason", sa.String(500)),
        sa.Column("exclusive_token", _word(32)),
        sa.Column("exclusive_until", sa.Double()),
        sa.Column("rebuild", _text()),
        sa.Column("fingerprint", _word(64)),
        sa.Column("high_uid", sa.BigInteger()),
    )


def _create(name: str, *columns: sa.Column[Any], **options: Any) -> None:
    # A database's default may be a character set that cannot hold every reason, or an engine without row locks.
    for dialect in ("mysql", "mariadb"):
        options |= {f"{dialect}_engine": "InnoDB", f"{dialect}_charset": "utf8mb4"}
    op.create_table(name, *columns, **options)


def _word(length: int) -> sa.types.TypeEngine[str]:
    ascii = mysql.VARCHAR(length, charset="ascii", collation="ascii_bin")
    return sa.String(length).with_variant(ascii, "mysql", "mariadb")


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
