"""Works on trial keep the group that they are tried in, pauses what they concern."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scrypath_celery.ledger.tables import index, work

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("scrypath_work", sa.Column("trial", work.c.trial.type))
    given = sa.text("trial IS NOT NULL")
    op.create_index("ix_scrypath_work_trial", "scrypath_work", ["index_uid", "trial"], postgresql_where=given)
    op.add_column("scrypath_index", sa.Column("pause_scope", index.c.pause_scope.type))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("scrypath_index", "pause_scope")
    op.drop_index("ix_scrypath_work_trial", "scrypath_work")
    op.drop_column("scrypath_work", "trial")
