"""What was applied to an index beside its declaration, and what its last verification found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    text = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
    op.add_column("scrypath_index", sa.Column("hot_applied", text))
    op.add_column("scrypath_index", sa.Column("verified", text))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("scrypath_index") as batch:
        batch.drop_column("verified")
        batch.drop_column("hot_applied")
