"""Who paused an index by hand, and which workers there are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    op.add_column("scrypath_index", sa.Column("hand_paused_since", sa.Double()))
    op.add_column("scrypath_index", sa.Column("hand_paused_by", sa.String(200)))
    op.add_column("scrypath_index", sa.Column("hand_pause_reason", sa.String(500)))
    op.create_table(
        "scrypath_worker",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("seen_at", sa.Double(), nullable=False),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("scrypath_worker")
    with op.batch_alter_table("scrypath_index") as batch:
        batch.drop_column("hand_pause_reason")
        batch.drop_column("hand_paused_by")
        batch.drop_column("hand_paused_since")
