"""`check`: whether all that a deployment needs is there, for whoever deploys and for an init container."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import click

from ..operator.attention import Health
from ..operator.preflight import Finding, Part, Preflight, preflight
from ..operator.serialization import as_json
from .app_command import looking
from .completion import schema_argument
from .console import Console
from .seconds import Seconds
from .status import CODES, TIMEOUT, broker_look
from .text import pairs
from .time_limit import rest

AGAIN = 1.0
"""Seconds between two looks of `--wait`."""


@click.command(epilog="Example: scrypath-celery -A shop check --skip workers --wait 60")
@schema_argument
@click.option(
    "--skip",
    type=click.Choice([part.value for part in Part]),
    multiple=True,
    metavar="PART",
    help="Leave a part out: ledger, engine, key, workers, contract.",
)
@click.option(
    "--wait",
    "wait_seconds",
    type=Seconds(),
    metavar="SECONDS",
    help="Look again for so long, until everything is healthy.",
)
@looking(TIMEOUT)
def check(console: Console, schema: str | None, skip: Sequence[str], wait_seconds: float | None) -> int:
    """Check ledger, engine, key, workers and indexes before a deployment; nothing is changed.

    One line a part. Exit code 0 where all is healthy, 2 where something must be done, 1 where a part could not be
    looked at. --timeout bounds one look, --wait how long it is repeated.
    """
    end = time.monotonic() + (wait_seconds or 0.0)
    while True:
        found = looked(replace(console, began=time.monotonic()), schema, skip)
        if found.health is Health.HEALTHY or time.monotonic() >= end:
            break
        rest(AGAIN)
    console.answer("check", as_json(found))
    for one in found.findings:
        console.say(line(one))
    return CODES[found.health]


def looked(console: Console, schema: str | None, skip: Sequence[str]) -> Preflight:
    """Look once."""
    app, runtime = console.search.celery_app, console.impatient
    broker = broker_look(app, runtime.options)
    seconds = console.seconds or TIMEOUT
    schemas = console.schemas(schema)
    return preflight(
        runtime,
        schemas,
        broker=broker,
        seconds=seconds,
        skip=skip,
        program=console.program,
        worker=console.worker,
    )


def line(one: Finding) -> str:
    """One finding."""
    named = f" {pairs(schema=one.schema)}" if one.schema is not None else ""
    remedy = f"; do: {one.remedy}" if one.remedy is not None else ""
    return f"{one.health} {one.part}{named}: {one.text}{remedy}"
