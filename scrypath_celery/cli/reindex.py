"""`reindex`: build a new index beside the live one, and cut over."""

from __future__ import annotations

import click

from ..operator.serialization import as_json
from ..rebuild import rebuild
from ..rebuild.report import ReindexReport
from .app_command import operating
from .completion import schema_argument
from .console import FINE, NOT_DONE, Console
from .progress import Meter
from .rebuilding import how, rebuild_line
from .seconds import Seconds
from .settings import warn_of_hot_applied
from .text import pairs


@click.command(epilog="Example: scrypath-celery -A shop reindex Post --keep-old 86400")
@schema_argument
@click.option("--cutover/--no-cutover", default=True, show_default=True, help="Swap once nothing speaks against it.")
@click.option("--keep-old", metavar="SECONDS", type=Seconds(), default=0.0, help="Keep the old content.")
@click.option("--allow-failed", metavar="N", type=click.IntRange(min=0), default=0, help="Documents that may fail.")
@click.option("--allow-shrink", is_flag=True, help="Let an index go live that holds much less than the present one.")
@click.option("--detach", is_flag=True, help="Leave it to the workers and return at once.")
@click.option("--abort", is_flag=True, help="Give up the rebuild that is under way.")
@click.option("--rollback", is_flag=True, help="Go back to the old content that is kept.")
@click.option("--drop-old", is_flag=True, help="Drop the old content that is kept.")
@click.option("--dry-run", is_flag=True, help="Say what would be read, built and swapped, and change nothing.")
@operating
def reindex(
    console: Console,
    schema: str | None,
    cutover: bool,
    keep_old: float,
    allow_failed: int,
    allow_shrink: bool,
    detach: bool,
    abort: bool,
    rollback: bool,
    drop_old: bool,
    dry_run: bool,
) -> int:
    """Build the index anew beside the live one, catch up with what is written meanwhile, and swap.

    The same command goes on where an earlier one stopped. Nothing is swapped while anything speaks against it: then
    the exit code is 1, `blocked_by` says what, and the live index is as it was. Ctrl-C leaves it running where workers
    run it.
    """
    acts = [
        f"--{name}" for name, given in {"abort": abort, "rollback": rollback, "drop-old": drop_old}.items() if given
    ]
    if len(acts) > 1:
        raise click.UsageError(f"give one of {', '.join(acts)}")
    if acts and (dry_run or keep_old or allow_failed or allow_shrink or not cutover or (detach and not rollback)):
        raise click.UsageError(f"{acts[0]} takes no options of a new index, and no dry run")
    if abort:
        return aborted(console, schema)
    if drop_old:
        return dropped(console, schema)
    if rollback:
        return rolled_back(console, schema, detach=detach)
    return reindexed(
        console,
        schema,
        cutover=cutover,
        keep_old=keep_old,
        allow_failed=allow_failed,
        allow_shrink=allow_shrink,
        detach=detach,
        dry_run=dry_run,
    )


def reindexed(
    console: Console,
    name: str | None,
    *,
    cutover: bool = True,
    keep_old: float = 0.0,
    allow_failed: int = 0,
    allow_shrink: bool = False,
    detach: bool = False,
    dry_run: bool = False,
) -> int:
    """Run a reindex; the exit code."""
    schema, meter = console.schema(name), Meter()
    if dry_run:
        plan = rebuild.planned(console.runtime, schema)
        console.answer("reindex", {"dry_run": True, "swaps": cutover, **plan})
        console.say(f"Would build {console.runtime.uid_of(schema)} anew (nothing was changed)")
        console.say(pairs(**plan, swaps=cutover))
        return FINE
    how_ = how(console, "a reindex", detach=detach, meter=meter)
    warn_of_hot_applied(console, schema)
    try:
        done = rebuild.reindex(
            console.runtime,
            schema,
            how_,
            cutover=cutover,
            keep_old=keep_old,
            allow_failed=allow_failed,
            allow_shrink=allow_shrink,
        )
    finally:
        meter.end()
    console.answer("reindex", as_json(done))
    return told(console, schema.name, done)


def told(console: Console, name: str, done: ReindexReport) -> int:
    """Say how far a reindex came; the exit code."""
    if done.started_anew:
        console.note(f"Started anew, since the earlier rebuild could not go live: {done.started_anew}")
    shown = pairs(id=done.id, filled=done.filled, caught_up=done.caught_up, requeued=done.requeued, failed=done.failed)
    if done.blocked_by:
        console.say(f"Not swapped: {done.index} is as it was")
        for code, text in done.blocked_by.items():
            console.say(f"  blocked_by={code}: {text}")
        if "failed_works" in done.blocked_by:
            console.say(f"  the failed works: {console.program} failed {name}")
        console.say(f"To try again: {console.program} reindex {name}; to give it up: --abort")
        console.say(shown)
        return NOT_DONE
    if done.cut_over:
        console.say(f"Rebuilt {done.index} and cut over")
        if done.kept_until is not None and done.phase == "kept":
            back = f"{console.program} reindex {name} --rollback"
            console.say(f"The old content is kept as {done.target}; to go back: {back}")
    elif done.phase == "cut_over":
        console.say(f"Filled {done.target}; {done.index} is as it was. To cut over:")
        console.say(f"  {console.program} reindex {name}")
    else:
        console.say(f"Rebuild {done.id} of {done.index} is left to the workers; to see how far it is:")
        console.say(f"  {console.program} status {name}")
    console.say(shown)
    return NOT_DONE if done.failed else FINE


def aborted(console: Console, name: str | None) -> int:
    """Give up a rebuild; the exit code."""
    done = rebuild.abort(console.runtime, console.schema(name))
    console.answer("reindex", as_json(done))
    console.say(
        f"Aborted {done.operation.value} {done.id} of {done.index}: its works are cancelled, its target is gone"
    )
    return FINE


def dropped(console: Console, name: str | None) -> int:
    """Drop the old content; the exit code."""
    done = rebuild.drop_old(console.runtime, console.schema(name))
    console.answer("reindex", as_json(done))
    console.say(f"Dropped the old content of {done.index}")
    console.say(rebuild_line(done))
    return FINE


def rolled_back(console: Console, name: str | None, *, detach: bool) -> int:
    """Go back to the old content; the exit code."""
    schema, meter = console.schema(name), Meter()
    how_ = how(console, "a rollback", detach=detach, meter=meter)
    try:
        done = rebuild.rollback(console.runtime, schema, how_)
    finally:
        meter.end()
    console.answer("reindex", as_json(done))
    if done.cut_over and not done.blocked_by:
        console.say(f"Went back to the old content of {done.index}")
        return FINE
    return told(console, schema.name, done)
