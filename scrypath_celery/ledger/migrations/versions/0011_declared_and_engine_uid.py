"""What an index was made with, and which index of the engine stands for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    text = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
    word = sa.String(400).with_variant(mysql.VARCHAR(400, charset="ascii", collation="ascii_bin"), "mysql", "mariadb")
    op.add_column("scrypath_index", sa.Column("declared", text))
    op.add_column("scrypath_index", sa.Column("engine_uid", word))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("scrypath_index") as batch:
        batch.drop_column("engine_uid")
        batch.drop_column("declared")
