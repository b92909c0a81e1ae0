"""Processes note where they send documents, so that two engines or prefixes on one ledger are seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    word = sa.String(16).with_variant(mysql.VARCHAR(16, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
    op.add_column("scrypath_worker", sa.Column("kind", word, nullable=False, server_default="worker"))
    text = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
    op.add_column("scrypath_worker", sa.Column("sends_to", text))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("scrypath_worker") as batch:
        batch.drop_column("sends_to")
        batch.drop_column("kind")
