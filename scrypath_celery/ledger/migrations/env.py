"""Runs the ledger's migrations on the connection that `ledger.migrate` passes in."""

from __future__ import annotations

from alembic import context

from scrypath_celery.ledger.autogenerate import VERSION_TABLE, ledger_metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=ledger_metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
