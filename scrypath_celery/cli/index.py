"""`index`: an index as a whole against its schema."""

from __future__ import annotations

import json

import click

from ..declaration_watch import COMMANDS
from ..operator.contract_drift import ContractDrift, Detail, Dimension
from ..operator.serialization import as_json
from .app_command import operating
from .completion import schema_argument
from .console import DIFFERENT, FINE, Console
from .status import elsewhere_text
from .suggesting import Suggesting
from .text import pairs


@click.group(cls=Suggesting)
def index() -> None:
    """Look at an index as a whole."""


@index.command("contract-drift", epilog="Example: scrypath-celery -A shop index contract-drift Post --json")
@schema_argument
@operating
def contract_drift(console: Console, schema: str | None) -> int:
    """Show where an index is not what its schema declares: fields, attributes, faceting, settings; and its triggers.

    Exit code 0 where all matches, 2 where something differs, there is no index, triggers are incomplete, or another
    process sends the index to another engine or prefix, 1 where it could not be compared.
    """
    found = console.search.index_contract_drift(console.schema(schema))
    console.answer("index contract-drift", as_json(found))
    for line in drift_lines(found):
        console.say(line)
    for line in _triggers(found):
        console.say(line)
    for one in found.elsewhere:
        console.say(f"  {elsewhere_text(one)}")
    return FINE if found.match and not found.triggers_incomplete and not found.elsewhere else DIFFERENT


def drift_lines(found: ContractDrift, margin: str = "") -> list[str]:
    """The lines of one index."""
    head = pairs(schema=found.schema, index=found.index, contract="match" if found.match else "drift")
    if not found.index_exists:
        return [
            margin + head,
            f"{margin}  there is no such index: `scrypath-celery settings apply {found.schema}` creates it",
        ]
    parts = {"primary_key": found.primary_key, **found.dimensions, "declaration": found.declaration}
    lines = [margin + head]
    for name, part in parts.items():
        lines += [f"{margin}  {line}" for line in _part(name, part)]
    if found.remedies:
        commands = [f"`scrypath-celery {COMMANDS[remedy].format(name=found.schema)}`" for remedy in found.remedies]
        lines.append(f"{margin}  to fix it: {', then '.join(commands)}")
    return lines


def _triggers(found: ContractDrift) -> list[str]:
    if not found.triggers:
        return [f"  triggers: {'none' if found.triggers is not None else 'not known: there is no ledger'}"]
    told = " ".join(f"{table.table}={table.told}" for table in found.triggers)
    missed = [f"    {table.table} misses {table.misses}" for table in found.triggers if table.misses]
    fix = (
        [f"  to fix them: `scrypath-celery ledger triggers install {found.schema}`"]
        if found.triggers_incomplete
        else []
    )
    return [f"  triggers: {told}", *missed, *fix]


def _part(name: str, part: Dimension) -> list[str]:
    lines = [f"{name}: {'match' if part.match else 'drift'}", *(f"  {_detail(one)}" for one in part.details)]
    return [*lines, "  and more"] if part.truncated else lines


def _detail(one: Detail) -> str:
    if one.declared is None and one.applied is None:
        return f"{one.name}: {one.problem}"
    declared, applied = (json.dumps(as_json(value), ensure_ascii=False) for value in (one.declared, one.applied))
    return f"{one.name}: {one.problem} declared={declared} applied={applied}"
