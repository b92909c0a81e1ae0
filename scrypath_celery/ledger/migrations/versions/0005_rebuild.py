"""Rebuilds have rows of their own, and their works bear their id; one under way in the row of its index is given up."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the column; what an earlier release had under way cannot be gone on with."""
    op.add_column("scrypath_work", sa.Column("rebuild_id", sa.BigInteger()))
    op.create_index(
        "ix_scrypath_work_rebuild",
        "scrypath_work",
        ["rebuild_id", "state"],
        postgresql_where=sa.text("rebuild_id IS NOT NULL"),
    )
    _rebuild()
    op.create_index("ix_scrypath_rebuild_index", "scrypath_rebuild", ["index_uid", "id"])
    op.execute("UPDATE scrypath_index SET rebuild = NULL")
    op.execute(
        "UPDATE scrypath_work SET state = 'cancelled', finished_at = created_at"
        " WHERE operation = 'reindex' AND state NOT IN ('succeeded', 'cancelled')"
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("scrypath_rebuild")
    op.drop_index("ix_scrypath_work_rebuild", "scrypath_work")
    op.drop_column("scrypath_work", "rebuild_id")
    op.execute("UPDATE scrypath_index SET rebuild = NULL")


def _rebuild() -> None:
    options: dict[str, Any] = {}
    for dialect in ("mysql", "mariadb"):
        options |= {f"{dialect}_engine": "InnoDB", f"{dialect}_charset": "utf8mb4"}
    op.create_table(
        "scrypath_rebuild",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("index_uid", _word(400), nullable=False),
        sa.Column("operation", _word(16), nullable=False),
        sa.Column("phase", _word(16), nullable=False),
        sa.Column("mode", _word(16), nullable=False),
        sa.Column("target", _word(400)),
        sa.Column("target_created", sa.String(64)),
        sa.Column("target_uid", sa.BigInteger()),
        sa.Column("renaming", _word(400)),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("fingerprint", _word(64), nullable=False),
        sa.Column("noted", sa.BigInteger(), nullable=False),
        sa.Column("catching", sa.BigInteger()),
        sa.Column("rollback_from", sa.BigInteger()),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("ranges", _text(), nullable=False),
        sa.Column("options", _text(), nullable=False),
        sa.Column("counts", _text(), nullable=False),
        sa.Column("blocked", _text(), nullable=False),
        sa.Column("reason", sa.String(500)),
        sa.Column("asked_by", sa.String(200)),
        sa.Column("followed_until", sa.Double()),
        sa.Column("owner", sa.String(200)),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.Column("keep_until", sa.Double()),
        sa.Column("finished_at", sa.Double()),
        sqlite_autoincrement=True,
        **options,
    )


def _word(length: int) -> sa.types.TypeEngine[str]:
    ascii = mysql.VARCHAR(length, charset="ascii", collation="ascii_bin")
    return sa.String(length).with_variant(ascii, "mysql", "mariadb")


def _text() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
