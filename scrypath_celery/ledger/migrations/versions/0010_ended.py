"""Ended works are found by when they ended, and dead letters by class and error code; retries are dated too."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_HISTORY = "state IN ('succeeded', 'cancelled')"
_ENDED = "state IN ('retrying', 'succeeded', 'failed', 'cancelled')"
_FAILED = "state = 'failed'"


def upgrade() -> None:
    """Date what waits for another try, and change the indexes."""
    undated = "state IN ('retrying', 'failed') AND finished_at IS NULL"
    op.execute(f"UPDATE scrypath_work SET finished_at = COALESCE(started_at, created_at) WHERE {undated}")
    _index("ix_scrypath_work_ended", ["state", "index_uid", "finished_at", "id"], _ENDED)
    blame = ["state", "index_uid", "reason_class", "error_code", "finished_at", "id"]
    _index("ix_scrypath_work_failed", blame, _FAILED, sqlite_where=sa.text(_FAILED))
    op.drop_index("ix_scrypath_work_settled", "scrypath_work")


def downgrade() -> None:
    """Put the indexes back."""
    _index("ix_scrypath_work_settled", ["state", "index_uid", "finished_at"], _HISTORY)
    for name in ("ended", "failed"):
        op.drop_index(f"ix_scrypath_work_{name}", "scrypath_work")


def _index(name: str, columns: list[str], condition: str, **options: Any) -> None:
    op.create_index(name, "scrypath_work", columns, postgresql_where=sa.text(condition), **options)
