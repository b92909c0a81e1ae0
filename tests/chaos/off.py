"""Switching a mechanism off in a worker, to show that the others do not make up for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from scrypath_celery.convergence import converge, relay, settle
from scrypath_celery.ledger import claims
from scrypath_celery.worker import relay_step, tasks


def switch_off(mechanism: str) -> None:
    """Replace it in this process, for good."""
    MECHANISMS[mechanism]()


def _replace(module: Any, **parts: Any) -> None:
    for name, part in parts.items():
        setattr(module, name, part)


def _check() -> None:
    _replace(converge, check=lambda attempt: None)


def _watch_and_report() -> None:
    def no_report(attempt: Any) -> Iterator[Any]:
        yield from ()

    _replace(converge, _report=no_report)
    _replace(relay, watch=lambda runtime: 0)


def _watch_of_unanswered() -> None:
    def forget(connection: Any, token: str, **kwargs: Any) -> bool:
        return False

    _replace(settle, claims=SimpleNamespace(mark_unresolved=forget, end=claims.end))


def _relay() -> None:
    _replace(tasks, relay=lambda runtime: None)
    _replace(relay_step, tick=lambda app, period: None)


MECHANISMS: dict[str, Callable[[], None]] = {
    "check": _check,
    "watch and report": _watch_and_report,
    "watch of unanswered requests": _watch_of_unanswered,
    "relay": _relay,
}
