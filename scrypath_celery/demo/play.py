"""Playing the demo from beginning to end, and leaving nothing behind."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click
from sqlalchemy.orm import sessionmaker

from ..errors import ScrypathError
from .cities import search
from .duration import expected_seconds
from .factory import create_app
from .rebuild import rebuild
from .script import Scene, backfill, build, verify, write
from .stage import Broken, Stage
from .trouble import outage, poison
from .voice import Voice

STEPS = (build, backfill, write, outage, poison, rebuild, verify)
FINE, BROKEN, INTERRUPTED = 0, 1, 130
_SHOWN = 30


def play() -> int:
    """Play all steps; the exit code."""
    voice, start = Voice(), time.monotonic()
    click.secho("scrypath-celery demo", bold=True)
    voice.say(f"It takes about {expected_seconds()} s here, needs no service, and leaves nothing behind.")
    try:
        with terminable(), Stage() as stage:
            scene = _scene(stage, voice)
            try:
                for step in STEPS:
                    step(scene)
            except (Broken, ScrypathError) as exc:
                _lament(voice, stage, exc)
                return BROKEN
            finally:
                scene.session.kw["bind"].dispose()
    except KeyboardInterrupt:
        click.echo("\ninterrupted; engine, broker and worker have ended", err=True)
        return INTERRUPTED
    _sum_up(scene, time.monotonic() - start)
    return FINE


@contextmanager
def terminable() -> Iterator[None]:
    """Within this SIGTERM and a closed terminal are a Ctrl-C, so that the worker is ended too."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before: dict[signal.Signals, Any] = {one: signal.signal(one, interrupt) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _scene(stage: Stage, voice: Voice) -> Scene:
    create_app(stage.place)
    return Scene(stage=stage, session=sessionmaker(search.ledger.database), voice=voice)


def _lament(voice: Voice, stage: Stage, exc: Exception) -> None:
    click.secho(f"   NOT OK: {exc}", fg="red")
    tail = stage.worker_log().splitlines()[-_SHOWN:]
    click.echo("\n".join(["the worker's last lines:", *tail]), err=True)
    click.echo(f"\nThe demo FAILED in step {voice.steps}, after {voice.checks} checks that held.")


def _sum_up(scene: Scene, seconds: float) -> None:
    click.echo("\nMeasured in this run")
    for name, figure in scene.figures.items():
        click.echo(f"   {name + ':':<12} {figure}")
    sys.stdout.flush()
    click.echo(f"\nThe demo held: {scene.voice.steps} steps, {scene.voice.checks} checks, {seconds:.0f} s.")
