"""What is left of a work after a partial failure is a column of its own: the ids that it was written with stay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    text = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
    op.add_column("scrypath_work", sa.Column("remaining", text))


def downgrade() -> None:
    """Narrow the ids to what is left again."""
    op.execute("UPDATE scrypath_work SET ids = remaining WHERE remaining IS NOT NULL")
    op.drop_column("scrypath_work", "remaining")
