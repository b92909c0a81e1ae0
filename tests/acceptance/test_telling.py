"""Signals and log lines tell each thing that happens once, and hold nothing private."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from scrypath_celery import signals
from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.errors import ConfigError, SchemaError
from scrypath_celery.logs import LINES
from scrypath_celery.notices import SHOWN
from tests.deadline import eventually
from tests.shop import Post, Shop

TITLE = "canary-of-a-document"
KEY = "key-that-nobody-may-see"
FIRST = 730_001
"""The ids of records begin here, so that they are found wherever they stand."""

Told = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def engine() -> Iterator[EmbeddedEngine]:
    """An engine with a key."""
    with EmbeddedEngine(master_key=KEY) as engine:
        yield engine


@pytest.fixture
def shop(engine: EmbeddedEngine, tmp_path: Path, open_shop: Callable[..., Shop]) -> Shop:
    """A shop whose works are run here, when `drain` is called."""
    options = {"meilisearch_api_key": KEY, "pause_max": 0.1, "backoff": 60.0}
    database = f"sqlite:///{tmp_path / 'shop.db'}"
    return open_shop(broker="memory://", database=database, meilisearch_url=engine.url, options=options)


@pytest.fixture
def told() -> Iterator[Told]:
    """The signals that are sent, by name, with what they say."""
    told: Told = []
    receivers = {}
    for name in signals.__all__:

        def receive(sender: Any, signal: Any, name: str = name, **payload: Any) -> None:
            told.append((name, payload))

        receivers[name] = receive
        getattr(signals, name).connect(receive, weak=False)
    yield told
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver)


def lines(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[logging.LogRecord]:
    """Our log lines of at least this level."""
    return [one for one in caplog.records if one.name == "scrypath_celery" and one.levelno >= level]


def event(line: logging.LogRecord) -> str:
    """The name of what a line tells."""
    return str(vars(line)["event"])


def live(shop: Shop, engine: EmbeddedEngine) -> None:
    """What happens to a shop: successes, a retry, a dead letter, a pause, a verification, a rebuild."""
    shop.add(FIRST, FIRST + 1, title=TITLE)
    shop.search.drain()
    shop.add(FIRST + 2, title=TITLE, body="crash")
    shop.search.drain()
    shop.add(FIRST + 3, title=TITLE, body="unprojectable")
    shop.search.drain()
    fault = engine.faults.add("refuse", status=503, retry_after=0, path="/indexes/*/documents*")
    shop.add(FIRST + 4, title=TITLE)
    shop.search.drain()
    fault.remove()
    repair(shop)
    [retrying] = [work.id for work in shop.works() if work.state == "retrying"]
    shop.search.retry_sync_work(retrying)
    eventually(lambda: (shop.search.drain(), shop.open() == 0)[1], what="the pause is over and all is settled")
    assert shop.search.verify(Post).differs
    assert shop.search.reindex(Post).cut_over


def repair(shop: Shop) -> None:
    """Mend the records that could not be projected, as nobody is told of."""
    with shop.Session.begin() as session:
        session.execute(update(Post).values(body=""))


def test_each_thing_is_told_once_by_a_signal(shop: Shop, engine: EmbeddedEngine, told: Told) -> None:
    live(shop, engine)
    about = {"schema": "Post", "index": shop.search.runtime.uid_of(shop.search.schemas.of(Post))}
    assert all(payload.items() >= about.items() for _, payload in told)
    counts = Counter(name for name, _ in told)
    assert [counts[name] for name in ("dead_lettered", "index_paused", "index_resumed", "rebuild_finished")] == [1] * 4
    payloads = dict(told)
    [failed] = [work for work in shop.works() if work.state == "failed"]
    dead = {"works": (failed.id,), "count": 1, "documents": 1, "reason_class": "validation", "code": failed.error_code}
    assert payloads["dead_lettered"] == about | dead
    assert payloads["index_paused"]["reason_class"] == "transport"
    assert payloads["drift_found"] == about | {"found_by": "verify", "kinds": ("missing",), "counts": {"missing": 1}}
    assert payloads["rebuild_finished"].items() >= {"outcome": "done", "documents": 5, "operation": "reindex"}.items()
    settled = [payload for name, payload in told if name == "settled" and payload["operation"] == "upsert"]
    ended = {state: sum(one[state] for one in settled) for state in ("succeeded", "retrying", "failed")}
    assert ended == {"succeeded": 3, "retrying": 1, "failed": 1}, settled


def test_what_a_signal_says_is_what_is_documented(shop: Shop, engine: EmbeddedEngine, told: Told) -> None:
    live(shop, engine)
    for name, payload in told:
        assert payload.keys() == getattr(signals, name).providing_args, name
    assert {name for name, _ in told} == set(signals.__all__) - {"contract_drift"}


def test_each_thing_is_told_once_in_the_log(
    shop: Shop, engine: EmbeddedEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "scrypath_celery")
    live(shop, engine)
    found = Counter((event(one), one.levelname) for one in lines(caplog) if event(one) != "claim_settled")
    assert found == {
        ("dead_letter", "ERROR"): 1,
        ("index_paused", "WARNING"): 1,
        ("index_resumed", "INFO"): 1,
        ("drift_found", "WARNING"): 1,
        ("rebuild_phase", "INFO"): 5,
        ("rebuild_finished", "INFO"): 1,
    }


def test_nothing_private_is_told(
    shop: Shop, engine: EmbeddedEngine, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "scrypath_celery")
    live(shop, engine)
    text = "\n".join([*(repr(vars(one)) + one.getMessage() for one in lines(caplog, logging.DEBUG)), repr(told)])
    assert [private for private in (TITLE, KEY, str(FIRST)[:5]) if private in text] == []
    assert "Post: dead letters: works=1 class=validation" in text


def test_every_line_is_in_the_table(shop: Shop, engine: EmbeddedEngine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "scrypath_celery")
    live(shop, engine)
    assert {event(one) for one in lines(caplog, logging.DEBUG)} <= LINES.keys()


def test_a_receiver_that_raises_hurts_nothing(shop: Shop, told: Told) -> None:
    def spoil(**payload: Any) -> None:
        raise RuntimeError

    for name in ("work_enqueued", "claimed", "settled"):
        getattr(signals, name).connect(spoil, weak=False)
    try:
        shop.add(FIRST)
        shop.search.drain()
    finally:
        for name in ("work_enqueued", "claimed", "settled"):
            getattr(signals, name).disconnect(spoil)
    assert shop.in_step()
    assert [name for name, _ in told] == ["work_enqueued", "claimed", "settled"]


def test_works_are_told_after_the_commit_and_never_after_a_rollback(shop: Shop, told: Told) -> None:
    with shop.Session() as session:
        post = Post(id=FIRST, title=TITLE)
        session.add(post)
        shop.search.sync_record(post, session=session)
        session.flush()
        session.rollback()
        assert told == []
        session.add(Post(id=FIRST, title=TITLE))
        session.commit()
    assert told == []


def test_ids_of_works_are_told_up_to_a_bound(shop: Shop, told: Told) -> None:
    with shop.Session.begin() as session:
        for number in range(SHOWN + 1):
            shop.search.delete_document(Post, FIRST + number, session=session)
    payload = dict(told)["work_enqueued"]
    assert payload["documents"] == SHOWN + 1
    assert len(payload["works"]) <= SHOWN


def test_a_hook_hears_of_its_own_classes(shop: Shop) -> None:
    heard: list[str] = []

    @shop.search.on_settled(Post)
    def of_posts(**payload: Any) -> None:
        heard.append("of posts")

    @shop.search.on_settled
    def of_all(**payload: Any) -> None:
        heard.append("of all")

    @shop.search.on_settled(Shop)
    def of_others(**payload: Any) -> None:
        heard.append("of others")

    @shop.search.on_settled("Post")
    def of_a_name(**payload: Any) -> None:
        heard.append(f"of the name {payload['schema']}")

    shop.search.schema(name="posts_of_staff", fields=["title"])(Post)

    @shop.search.on_settled("posts_of_staff")
    def of_another(**payload: Any) -> None:
        heard.append("of the staff's")

    shop.add(FIRST)
    shop.search.drain()
    both = ["of posts", "of all"]
    assert sorted(heard) == sorted([*both, "of the name Post", *both, "of the staff's"])


def test_a_hook_refuses_what_nobody_could_call(shop: Shop) -> None:
    async def awaited(**payload: Any) -> None:
        """A coroutine function: called, it would do nothing."""

    with pytest.raises(ConfigError):
        shop.search.on_settled(awaited)
    with pytest.raises(ConfigError):
        shop.search.on_settled(7)  # type: ignore[call-overload]
    with pytest.raises(SchemaError, match="did you mean 'Post'"):
        shop.search.on_settled("Pots")
