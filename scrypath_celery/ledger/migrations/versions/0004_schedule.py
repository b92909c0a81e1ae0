"""Priorities and indexes of what schedules, and what is noted of a hanging record, a lost engine and the broker."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_READY = "state IN ('pending', 'retrying')"
_HISTORY = "state IN ('succeeded', 'cancelled')"
_OPEN = "state NOT IN ('succeeded', 'cancelled')"


def upgrade() -> None:
    """Add the columns, and change the indexes."""
    op.add_column("scrypath_work", sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
    open_ones = "state IN ('pending', 'running', 'submitted', 'retrying', 'failed')"
    for operation, priority in (("backfill", 1), ("reindex", 2)):
        op.execute(f"UPDATE scrypath_work SET priority = {priority} WHERE operation = '{operation}' AND {open_ones}")
    op.add_column("scrypath_claim", sa.Column("stuck_id", _word(511)))
    op.add_column("scrypath_claim", sa.Column("stuck_since", sa.Double()))
    op.add_column("scrypath_index", sa.Column("high_token", _word(64)))
    op.add_column("scrypath_index", sa.Column("lost_since", sa.Double()))
    op.add_column("scrypath_ledger", sa.Column("publish_failed_at", sa.Double()))
    op.add_column("scrypath_ledger", sa.Column("publish_failure", sa.String(500)))
    _index("ix_scrypath_work_ready", ["state", "index_uid", "priority", "available_at", "id"], _READY)
    _index("ix_scrypath_work_due", ["state", "index_uid", "publish_after"], _READY)
    _index("ix_scrypath_work_settled", ["state", "index_uid", "finished_at"], _HISTORY)
    op.drop_index("ix_scrypath_work_finished", "scrypath_work")
    op.drop_index("ix_scrypath_work_unfinished", "scrypath_work")
    _index("ix_scrypath_work_unfinished", ["state", "index_uid", "created_at"], _OPEN)


def downgrade() -> None:
    """Take them away again."""
    _index("ix_scrypath_work_finished", ["state", "finished_at"], _HISTORY)
    for name in ("ready", "due", "settled", "unfinished"):
        op.drop_index(f"ix_scrypath_work_{name}", "scrypath_work")
    _index("ix_scrypath_work_unfinished", ["state", "index_uid", "id"], _OPEN)
    op.drop_column("scrypath_work", "priority")
    for table, columns in (
        ("scrypath_claim", ("stuck_id", "stuck_since")),
        ("scrypath_index", ("high_token", "lost_since")),
        ("scrypath_ledger", ("publish_failed_at", "publish_failure")),
    ):
        for column in columns:
            op.drop_column(table, column)


def _index(name: str, columns: list[str], condition: str) -> None:
    op.create_index(name, "scrypath_work", columns, postgresql_where=sa.text(condition))


def _word(length: int) -> sa.types.TypeEngine[str]:
    ascii = mysql.VARCHAR(length, charset="ascii", collation="ascii_bin")
    return sa.String(length).with_variant(ascii, "mysql", "mariadb")
