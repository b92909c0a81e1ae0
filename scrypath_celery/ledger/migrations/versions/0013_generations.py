"""When the relay last passed for a generation of the indexes, beside the first one's: in the row of one of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("scrypath_index", sa.Column("relayed_at", sa.Double()))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("scrypath_index") as batch:
        batch.drop_column("relayed_at")
