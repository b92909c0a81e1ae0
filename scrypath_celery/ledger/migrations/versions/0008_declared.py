"""What an index was made with, so that a changed declaration can be told in words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    text = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
    op.add_column("scrypath_index", sa.Column("declared", text))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("scrypath_index") as batch:
        batch.drop_column("declared")
