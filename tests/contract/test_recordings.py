"""What Meilisearch 1.50.0 answered, the engine answers too.

With `MEILISEARCH_URL` (and `MEILISEARCH_API_KEY`) the exchanges are played against that engine instead: a fresh one
without a master key for most of them, a fresh one with a master key for `with-master-key`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from scrypath_celery.embedded import EmbeddedEngine
from tests.contract.player import Player, recordings

_ALL = recordings()
_URL = os.environ.get("MEILISEARCH_URL")
_KEY = os.environ.get("MEILISEARCH_API_KEY")
_MASTER_KEY = "a-master-key-for-the-recordings"


@pytest.fixture(scope="module")
def open_engine() -> Iterator[Player]:
    """An engine without a master key."""
    if _URL is not None:
        yield from _player(_URL, _KEY)
        return
    with EmbeddedEngine() as engine:
        yield from _player(engine.url, None)


@pytest.fixture
def closed_engine() -> Iterator[Player]:
    """An engine with a master key."""
    if _URL is not None and _KEY is not None:
        yield from _player(_URL, _KEY)
        return
    if _URL is not None:
        pytest.skip("MEILISEARCH_API_KEY names no master key")
    with EmbeddedEngine(master_key=_MASTER_KEY) as engine:
        yield from _player(engine.url, _MASTER_KEY)


def _player(url: str, key: str | None) -> Iterator[Player]:
    player = Player(url, key)
    yield player
    player.close()


def _played(player: Player, name: str) -> str:
    return "\n".join(str(difference) for scenario in _ALL[name] for difference in player.play(scenario))


@pytest.mark.parametrize("name", [name for name in _ALL if name != "with-master-key"])
def test_the_engine_answers_as_recorded(name: str, open_engine: Player) -> None:
    assert _played(open_engine, name) == ""


def test_the_engine_with_a_master_key_answers_as_recorded(closed_engine: Player) -> None:
    assert _played(closed_engine, "with-master-key") == ""


def test_there_are_a_thousand_recorded_exchanges() -> None:
    assert sum(len(scenario["steps"]) for scenarios in _ALL.values() for scenario in scenarios) > 1_000
