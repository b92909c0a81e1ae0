"""`pause` and `resume`: keeping the workers off an index, and letting them go on."""

from __future__ import annotations

import click

from ..operator.pause import Paused, PausedByHand
from ..operator.pause import pause as pause_index
from ..operator.pause import resume as resume_index
from ..operator.serialization import as_json
from .app_command import operating, seen_by_workers
from .completion import schema_names
from .console import FINE, Console
from .given import GIVEN
from .text import pairs


@click.command(epilog="Example: scrypath-celery -A shop pause Post --reason 'moving the engine'")
@click.argument("schema", shell_complete=schema_names)
@click.option("--reason", type=GIVEN, required=True, metavar="TEXT", help="Why, for whoever finds the pause.")
@operating
def pause(console: Console, schema: str, reason: str) -> int:
    """Keep the workers off an index until it is resumed; writes are captured all the same.

    What a worker has begun is finished. The pause is kept in the ledger with who, when and why; nothing but `resume`
    ends it.
    """
    seen_by_workers(console, "a pause")
    chosen = console.schema(schema)
    done = pause_index(console.runtime, chosen, reason=reason)
    console.answer("pause", {"schema": chosen.name, **as_json(done)})
    console.say(f"Paused {chosen.name}: {by_hand_text(done)}")
    console.say(f"To go on: {console.program} resume {chosen.name}")
    return FINE


@click.command(epilog="Example: scrypath-celery -A shop resume Post")
@click.argument("schema", shell_complete=schema_names)
@operating
def resume(console: Console, schema: str) -> int:
    """End the pause of an index that `pause` began; what waits goes on within seconds."""
    seen_by_workers(console, "a pause")
    done = resume_index(console.runtime, console.schema(schema))
    console.answer("resume", as_json(done))
    console.say(f"Resumed {done.schema}" if done.resumed else f"{done.schema} was not paused by hand")
    if done.pause is not None:
        console.note(f"it is paused all the same, and tried again by itself: {pause_text(done.pause)}")
    return FINE


def pause_text(pause: Paused) -> str:
    """Why nothing of an index is tried, and until when."""
    return pairs(reason_class=pause.reason_class, since=pause.since, next_probe=pause.next_probe, reason=pause.reason)


def by_hand_text(pause: PausedByHand) -> str:
    """Who paused an index, when and why."""
    return pairs(by=pause.by, since=pause.since, reason=pause.reason)


def pause_lines(pause: Paused | None, by_hand: PausedByHand | None) -> list[str]:
    """The lines of both kinds of pauses in a report."""
    lines = [] if by_hand is None else [f"  paused by hand: {by_hand_text(by_hand)}"]
    return lines if pause is None else [*lines, f"  pause: {pause_text(pause)}"]
