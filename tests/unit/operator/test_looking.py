"""Asking a part that may be away."""

from __future__ import annotations

from scrypath_celery.errors import EngineUnreachable
from scrypath_celery.operator.probe import Probe


def away() -> int:
    raise EngineUnreachable("it is away", sent=False)


def test_a_part_that_did_not_answer_is_not_asked_again() -> None:
    looking, asked = Probe(), []
    assert looking.ask(away) is None
    assert looking.ask(lambda: asked.append(1)) is None
    assert (looking.reason, asked) == ("it is away", [])


def test_nothing_is_asked_after_the_time_is_over() -> None:
    looking = Probe(seconds=-1.0)
    assert looking.ask(lambda: 1) is None
    assert looking.reason is not None
    assert "left out" in looking.reason


def test_answers_come_through() -> None:
    looking = Probe(seconds=60)
    assert looking.ask(lambda: 7) == 7
    assert looking.reason is None
