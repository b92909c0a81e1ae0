"""The switch that triggers on SQLite look at, and which works are scheduled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the table."""
    op.add_column("scrypath_ledger", sa.Column("capture_off", sa.Integer(), nullable=False, server_default="0"))
    id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "scrypath_scheduled",
        sa.Column("work_id", id, primary_key=True, autoincrement=False),
        sa.Column("index_uid", _word(400), nullable=False),
        sa.Column("document_id", _word(511), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
    )
    op.create_index("ix_scrypath_scheduled_document", "scrypath_scheduled", ["index_uid", "document_id"])
    op.create_index("ix_scrypath_scheduled_due", "scrypath_scheduled", ["index_uid", "due_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("scrypath_scheduled")
    with op.batch_alter_table("scrypath_ledger") as batch:
        batch.drop_column("capture_off")


def _word(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(
        mysql.VARCHAR(length, charset="ascii", collation="ascii_bin"), "mysql", "mariadb"
    )
