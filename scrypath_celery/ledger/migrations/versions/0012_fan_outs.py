"""Works that stand for related documents: which fan-out they follow, and how far it was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    text = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
    op.add_column("scrypath_work", sa.Column("fan_out", sa.String(255)))
    op.add_column("scrypath_work", sa.Column("cursor", text))
    known = sa.text("fan_out IS NOT NULL")
    op.create_index("ix_scrypath_work_fan_out", "scrypath_work", ["fan_out"], postgresql_where=known)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_scrypath_work_fan_out", "scrypath_work")
    with op.batch_alter_table("scrypath_work") as batch:
        batch.drop_column("cursor")
        batch.drop_column("fan_out")
