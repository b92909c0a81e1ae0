"""Cumulative figures by index, which outlive the works that are pruned."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    options: dict[str, Any] = {}
    for dialect in ("mysql", "mariadb"):
        options |= {f"{dialect}_engine": "InnoDB", f"{dialect}_charset": "utf8mb4"}
    op.create_table(
        "scrypath_total",
        sa.Column("index_uid", _word(400), primary_key=True),
        sa.Column("name", _word(32), primary_key=True),
        sa.Column("label", _word(32), primary_key=True),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Double(), nullable=False),
        **options,
    )


def downgrade() -> None:
    """Drop it, and all figures with it."""
    op.drop_table("scrypath_total")


def _word(length: int) -> sa.types.TypeEngine[str]:
    ascii = mysql.VARCHAR(length, charset="ascii", collation="ascii_bin")
    return sa.String(length).with_variant(ascii, "mysql", "mariadb")
