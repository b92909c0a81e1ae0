"""Works name the span in which they were written, so that traces of claims are linked to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    word = sa.String(55).with_variant(mysql.VARCHAR(55, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
    op.add_column("scrypath_work", sa.Column("traceparent", word))


def downgrade() -> None:
    """Drop it."""
    with op.batch_alter_table("scrypath_work") as batch:
        batch.drop_column("traceparent")
