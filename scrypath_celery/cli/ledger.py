"""`ledger`: making and checking the ledger's tables."""

from __future__ import annotations

import click

from .app_command import operating
from .console import FINE, Console
from .suggesting import Suggesting
from .triggers import triggers


@click.group(cls=Suggesting)
def ledger() -> None:
    """Make, upgrade and check the ledger's tables, and the triggers that write into them."""


ledger.add_command(triggers)


@ledger.command(epilog="Example: scrypath-celery -A shop ledger upgrade")
@operating
def upgrade(console: Console) -> int:
    """Make the ledger's tables, or bring them to what this release expects; again changes nothing."""
    from ..ledger.migrate import upgrade as migrate

    revision = migrate(console.runtime.ledger.database)
    console.answer("ledger upgrade", {"revision": revision})
    console.say(f"The ledger is at revision {revision}")
    return FINE


@ledger.command(epilog="Example: scrypath-celery -A shop ledger check")
@operating
def check(console: Console) -> int:
    """Check that the ledger's tables are those of this release."""
    from ..ledger.migrate import current

    console.runtime.ledger.read(lambda tx: None)
    revision = current(console.runtime.ledger.database)
    console.answer("ledger check", {"revision": revision})
    console.say(
        f"The ledger's tables are those of this release (revision {revision or 'none: made without migrations'})"
    )
    return FINE
