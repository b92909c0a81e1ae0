"""`verify`: database and index compared document by document; and the repair of what differs."""

from __future__ import annotations

import shlex
from typing import Any

import click

from ..operator.comparison import Kind
from ..operator.serialization import as_json
from ..operator.verify import LISTED, Verification
from .app_command import operating
from .completion import schema_argument
from .console import DIFFERENT, FINE, NOT_DONE, Console
from .text import pairs

SHOWN = 20
"""How many ids of a kind are printed as lines; the JSON document has more."""


@click.command(epilog="Example: scrypath-celery -A shop verify Post --sample 1000")
@schema_argument
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Only about N records and N documents.")
@click.option("--full", is_flag=True, help="All of them (the default).")
@click.option("--no-ledger", is_flag=True, help="For an index that other tasks fill: ask no ledger what is under way.")
@operating
def verify(console: Console, schema: str | None, sample: int | None, full: bool, no_ledger: bool) -> int:
    """Compare database and index document by document.

    Nothing is changed, and writes may go on: a difference counts if two looks agree and no work was open between
    them. Exit code 0 where nothing differs, 2 where documents differ, 1 where it could not be decided.
    """
    if full and sample is not None:
        raise click.UsageError("give --sample or --full, not both")
    chosen = console.schema(schema)
    found = console.search.verify(chosen, sample=sample, ledger=not no_ledger, progress=console.progress)
    console.progressed()
    console.answer("verify", verified_json(found))
    for line in verified_lines(found):
        console.say(line)
    if found.missing or found.stale or found.ghost:
        console.say(f"To repair it: {console.program} reconcile {found.schema} --action repair --dry-run")
    note_unprojectable(console, found)
    return verified_code(found)


def note_unprojectable(console: Console, found: Verification) -> None:
    """Say of records that have no projection why no repair helps, and which command shows the cause."""
    if count := found.counts[Kind.UNPROJECTABLE]:
        see = f"{console.program} trace {found.schema} {shlex.quote(found.unprojectable[0])}"
        console.note(f"{count} records cannot be projected, which no repair changes; the cause of the first: {see}")


def verified_code(found: Verification) -> int:
    """The exit code of a verification."""
    if found.differs:
        return DIFFERENT
    return NOT_DONE if found.undecided else FINE


def verified_json(found: Verification) -> dict[str, Any]:
    """A verification as JSON: counts, and ids by kind with the fields that differ."""
    body: dict[str, Any] = as_json(found)
    return {**body, "differs": found.differs}


def verified_lines(found: Verification, margin: str = "") -> list[str]:
    """The lines of a verification."""
    lines = [
        pairs(schema=found.schema, index=found.index, complete=found.complete, index_exists=found.index_exists),
        f"  compared: {pairs(records=found.records, documents=found.documents, seconds=found.seconds)}",
        f"  found: {pairs(**found.counts)}",
    ]
    for name in (*(kind.value for kind in Kind), "undecided"):
        ids = getattr(found, name)
        lines += [f"  {name} {id}{_fields(found, id)}" for id in ids[:SHOWN]]
        if len(ids) > SHOWN:
            told = f"the first {LISTED}" if found.truncated else "all"
            lines.append(f"  {name}: and {found.counts[name] - SHOWN} more (--json has {told})")
    return [margin + line for line in lines]


def kept_text(kept: int) -> str:
    """Why documents without a record were left, and what deletes them."""
    return (
        f"{kept} documents without a record were left, beyond the cap on deletions:"
        " see that the workers read all records, then add --allow-mass-delete"
    )


def _fields(found: Verification, id: str) -> str:
    fields = found.fields.get(id)
    return f": {', '.join(fields)}" if fields else ""


def repair(console: Console, schema: str | None, *, dry_run: bool, allow_mass_delete: bool) -> int:
    """Give exactly what differs to the workers; the exit code."""
    chosen = console.schema(schema)
    done = console.search.repair(
        chosen, dry_run=dry_run, allow_mass_delete=allow_mass_delete, progress=console.progress
    )
    console.progressed()
    console.answer("repair", {**as_json(done), "verification": verified_json(done.verification)})
    for line in verified_lines(done.verification):
        console.say(line)
    what = "Would requeue" if dry_run else "Requeued"
    console.say(f"{what}: {pairs(documents=done.requeued, deletions=done.deletions, works=len(done.works))}")
    note_unprojectable(console, done.verification)
    if done.kept_ghosts:
        console.note(kept_text(done.kept_ghosts))
        return NOT_DONE
    return NOT_DONE if done.verification.undecided or done.verification.unprojectable else FINE
