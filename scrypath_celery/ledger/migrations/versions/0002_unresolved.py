"""Claims of which a request may still land are `unresolved`; releases before this wrote `loose`."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rename the state."""
    op.execute("UPDATE scrypath_claim SET state = 'unresolved' WHERE state = 'loose'")


def downgrade() -> None:
    """Give it its former name."""
    op.execute("UPDATE scrypath_claim SET state = 'loose' WHERE state = 'unresolved'")
