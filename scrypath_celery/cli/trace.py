"""`trace`: one document's way, from its record to the index."""

from __future__ import annotations

import json

import click

from ..operator.serialization import as_json
from ..operator.trace import Trace
from ..operator.trace import trace as look
from .app_command import looking
from .completion import schema_names
from .console import DIFFERENT, FINE, NOT_DONE, Console
from .status import TIMEOUT
from .text import pairs


@click.command(epilog="Example: scrypath-celery -A shop trace Post 42")
@click.argument("schema", shell_complete=schema_names)
@click.argument("document_id")
@looking(TIMEOUT)
def trace(console: Console, schema: str, document_id: str) -> int:
    """Show the document that the record gives now, the one in the index, and its newest works.

    Exit code 2 where they differ, 1 where they could not be compared.
    """
    found = look(console.impatient, console.schema(schema), document_id, seconds=console.seconds)
    console.answer("trace", {**as_json(found), "unknown": list(found.unknown)})
    for line in lines(found):
        console.say(line)
    if found.unknown or found.agree is None:
        return NOT_DONE
    return FINE if found.agree else DIFFERENT


def lines(found: Trace) -> list[str]:
    """The trace in lines."""
    agree = "unknown" if found.agree is None else ("yes" if found.agree else "no")
    told = [
        pairs(schema=found.schema, index=found.index, id=found.id, agree=agree),
        f"  record: {found.failure or _shown(found.projected, found.record_unknown)}",
        f"  index: {_shown(found.indexed, found.index_unknown)}",
    ]
    if found.works_unknown is not None:
        told.append(f"  works: unknown ({found.works_unknown})")
    for work in found.works:
        told.append(
            "  work: "
            + pairs(
                id=work.id,
                operation=work.operation,
                state=work.state,
                created=work.created_at,
                finished=work.finished_at,
                reason=work.reason,
            )
        )
    return told


def _shown(document: object, unknown: str | None) -> str:
    if unknown is not None:
        return f"unknown ({unknown})"
    return "none" if document is None else json.dumps(document, ensure_ascii=False, sort_keys=True)
