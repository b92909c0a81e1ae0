"""`trace`: one document's way, from its record to the index."""

from __future__ import annotations

import json

import click

from ..operator.answer import as_json
from ..operator.looking import impatient
from ..operator.trace import Trace
from ..operator.trace import trace as look
from .console import DIFFERENT, FINE, NOT_DONE, Console
from .operating import operating
from .status import PATIENCE
from .text import pairs


@click.command(epilog="Example: scrypath-celery -A shop trace Post 42")
@click.argument("schema")
@click.argument("document_id")
@operating
def trace(console: Console, schema: str, document_id: str) -> int:
    """Show the document that the record gives now, the one in the index, and the works that touched it.

    Exit code 2 where they differ.
    """
    found = look(impatient(console.runtime, **PATIENCE), console.schema(schema), document_id)
    console.answer("trace", {**as_json(found), "unknown": list(found.unknown)})
    for line in lines(found):
        console.say(line)
    if found.unknown:
        return NOT_DONE
    return DIFFERENT if found.agree is False else FINE


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
    for touch in found.touches:
        told.append(
            "  work: "
            + pairs(
                id=touch.id,
                operation=touch.operation,
                state=touch.state,
                created=touch.created_at,
                finished=touch.finished_at,
                reason=touch.reason,
            )
        )
    return told


def _shown(document: object, unknown: str | None) -> str:
    if unknown is not None:
        return f"unknown ({unknown})"
    return "none" if document is None else json.dumps(document, ensure_ascii=False, sort_keys=True)
