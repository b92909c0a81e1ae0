"""What stands between us and Meilisearch, an engine that is too old, and keys that lack a right.

None of them is a document's fault: the index is paused with a reason that says what to do, and goes on afterwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Text, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from scrypath_celery import Scrypath
from scrypath_celery.errors import UnexpectedAnswer
from scrypath_celery.ledger import indexes, sqlite, works
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import OPEN, Pause, ReasonClass, State, Work
from tests.deadline import eventually
from tests.proxy import Answer, Meddle, Proxy, Request, proxy_to


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(Text, default="a title")


@pytest.fixture
def proxy(scrypath_engine: EngineUnderTest) -> Iterator[Proxy]:
    with proxy_to(scrypath_engine.url) as proxy:
        yield proxy


@pytest.fixture
def search(tmp_path: Path, proxy: Proxy, scrypath_engine: EngineUnderTest) -> Iterator[Scrypath]:
    """An application that reaches its engine through the proxy."""
    database = sqlite.configure(create_engine(f"sqlite:///{tmp_path / 'application.db'}"))
    options = {**scrypath_engine.options, "meilisearch_url": proxy.url}
    search = Scrypath(database=database, pause_max=0.2, backoff=0.01, backoff_max=0.05, max_attempts=2, **options)
    search.schema(fields=["title"], filterable=["title"])(Post)
    Base.metadata.create_all(database)
    search.ledger.create_all()
    yield search
    database.dispose()


def write(search: Scrypath, ids: range, *, size: int = 10) -> None:
    with Session(search.ledger.database) as session:
        for number in ids:
            post = Post(id=number, title="x" * size)
            session.add(post)
            search.sync_record(post, session=session)
        session.commit()


def found(search: Scrypath, *states: State) -> list[Work]:
    return search.ledger.read(lambda tx: works.listed(tx, states))


def pause_of(search: Scrypath) -> Pause | None:
    row = search.ledger.read(lambda tx: indexes.get(tx, "posts"))
    return None if row is None else row.pause


def settle(search: Scrypath) -> None:
    def is_settled() -> bool:
        search.drain()
        return not found(search, *OPEN)

    eventually(is_settled, what="all work is settled")


def documents(search: Scrypath) -> set[str]:
    return {id for page in search.runtime.engine.ids(search.runtime.engine_uid("posts"), "id") for id in page}


def reason_of_the_pause(search: Scrypath) -> Pause:
    """Why the index is paused, after more probes than a work has attempts; no work failed or waits for a verdict."""

    def probed() -> bool:
        search.drain()
        pause = pause_of(search)
        return pause is not None and pause.count > 3

    eventually(probed, what="the index was paused, and probed again and again")
    assert found(search, State.FAILED, State.SUBMITTED) == []
    pause = pause_of(search)
    assert pause is not None
    return pause


def refusal(code: str, kind: str) -> bytes:
    return json.dumps({"message": "no", "code": code, "type": kind, "link": "https://docs"}).encode()


def asks(method: str, pattern: str, answer: Answer) -> Meddle:
    def meddle(request: Request) -> Answer | None:
        path = request.path.partition("?")[0]
        return answer if request.method == method and re.fullmatch(pattern, path) else None

    return meddle


HTML = Answer(200, b"<html><body>Welcome!</body></html>", "text/html")
POSTS = r"/indexes/\w+/documents"
UNEXPECTED = {
    "a page of HTML": asks("POST", POSTS, HTML),
    "JSON of another kind": asks("POST", POSTS, Answer(200, b'{"message": "maintenance"}')),
    "a list": asks("POST", POSTS, Answer(200, b"[]")),
    "a task without a number": asks("POST", POSTS, Answer(202, b'{"taskUid": "seven"}')),
    "nothing": asks("POST", POSTS, Answer(200)),
    "tasks of another shape": asks("GET", "/tasks", Answer(200, b'{"results": {"uid": 1}}')),
    "a task without a status": asks("GET", "/tasks", Answer(200, b'{"results": [{"uid": 1}]}')),
    "an index of another shape": asks("GET", r"/indexes/\w+", Answer(200, b'{"ok": true}')),
}


@pytest.mark.parametrize("name", UNEXPECTED)
def test_an_answer_of_another_shape_pauses_with_a_reason_one_can_act_on(
    search: Scrypath, proxy: Proxy, name: str
) -> None:
    proxy.meddle = UNEXPECTED[name]
    write(search, range(1, 6))
    pause = reason_of_the_pause(search)
    assert "meilisearch_url" in pause.reason
    assert proxy.url in pause.reason
    proxy.meddle = None
    settle(search)
    assert documents(search) == {"1", "2", "3", "4", "5"}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_named_with_the_place_that_it_leads_to(search: Scrypath, proxy: Proxy, status: int) -> None:
    elsewhere = "https://search.example.org"

    def redirect(request: Request) -> Answer:
        return Answer(status, headers={"Location": elsewhere + request.path})

    proxy.meddle = redirect
    write(search, range(1, 6))
    pause = reason_of_the_pause(search)
    assert elsewhere in pause.reason
    assert "meilisearch_url" in pause.reason
    proxy.meddle = None
    settle(search)
    assert len(documents(search)) == 5


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(413, b"<html><h1>413 Request Entity Too Large</h1></html>", "text/html"), id="HTML"),
        pytest.param(Answer(413, b'{"error": "too large"}'), id="JSON of another kind"),
        pytest.param(Answer(413, b'["too large"]'), id="JSON that is no object"),
        pytest.param(Answer(413), id="nothing"),
    ],
)
def test_a_proxy_that_refuses_large_bodies_gets_smaller_ones(search: Scrypath, proxy: Proxy, answer: Answer) -> None:
    proxy.meddle = lambda request: answer if len(request.body) > 100_000 else None
    write(search, range(1, 21), size=20_000)
    write(search, range(21, 22), size=200_000)
    settle(search)
    assert documents(search) == {str(number) for number in range(1, 21)}
    (failed,) = found(search, State.FAILED)
    assert (failed.left, failed.reason_class, failed.error_code) == (
        ("21",),
        ReasonClass.VALIDATION,
        "payload_too_large",
    )


OLD = Answer(400, refusal("bad_request", "invalid_request"))
TOO_OLD: dict[str, Meddle] = {
    "that says so": asks("GET", "/version", Answer(200, b'{"pkgVersion": "1.20.3"}')),
    "that says nothing": lambda request: OLD if "customMetadata" in request.path else None,
    "that does not tell its version": lambda request: (
        Answer(403, refusal("invalid_api_key", "auth"))
        if request.path == "/version"
        else OLD
        if "customMetadata" in request.path
        else None
    ),
}


@pytest.mark.parametrize("name", TOO_OLD)
def test_an_engine_that_is_too_old_pauses_the_index_and_says_which_version_is_needed(
    search: Scrypath, proxy: Proxy, name: str
) -> None:
    proxy.meddle = TOO_OLD[name]
    write(search, range(1, 21))
    pause = reason_of_the_pause(search)
    assert "1.26 or newer is needed" in pause.reason
    assert proxy.meddled <= 3 * (pause.count + 1)
    proxy.meddle = None
    settle(search)
    assert len(documents(search)) == 20


@pytest.mark.parametrize(
    ("method", "path", "request_named", "right"),
    [
        ("GET", "/tasks", "GET /tasks", "tasks.get"),
        ("GET", r"/indexes/\w+", "GET /indexes/", "indexes.get"),
        ("POST", "/indexes", "POST /indexes", "indexes.create"),
        ("PATCH", r"/indexes/\w+/settings", "/settings", "settings.update"),
        ("POST", POSTS, "/documents", "documents.add"),
    ],
)
def test_a_key_that_lacks_a_right_pauses_and_names_the_request_and_the_right(
    search: Scrypath, proxy: Proxy, method: str, path: str, request_named: str, right: str
) -> None:
    proxy.meddle = asks(method, path, Answer(403, refusal("invalid_api_key", "auth")))
    write(search, range(1, 6))
    pause = reason_of_the_pause(search)
    assert pause.reason_class is ReasonClass.AUTH
    assert request_named in pause.reason
    assert repr(right) in pause.reason
    proxy.meddle = None
    settle(search)
    assert len(documents(search)) == 5


def test_works_that_wait_for_a_verdict_nobody_may_read_are_paused_and_go_on(search: Scrypath, proxy: Proxy) -> None:
    write(search, range(1, 3))
    search.runtime.engine.require_version()
    settle(search)
    with Session(search.ledger.database) as session:
        post = session.get(Post, 1)
        assert post is not None
        post.title = "changed"
        proxy.meddle = asks("GET", "/tasks", Answer(403, refusal("invalid_api_key", "auth")))
        search.sync_record(post, session=session, sync_mode="manual")
        session.commit()
    search.drain()
    pause = pause_of(search)
    assert pause is not None
    assert "'tasks.get'" in pause.reason
    proxy.meddle = None
    settle(search)
    assert found(search, State.SUBMITTED, State.FAILED) == []


@pytest.mark.parametrize("existing", [True, False], ids=["with an index", "from the start"])
def test_a_proxy_that_loses_the_metadata_of_requests_is_found_out_and_named(
    search: Scrypath, proxy: Proxy, existing: bool
) -> None:
    if existing:
        write(search, range(100, 101))
        settle(search)

    def strip(request: Request) -> str | None:
        path = re.sub(r"&?customMetadata=[^&]*", "", request.path)
        return path if path != request.path else None

    proxy.meddle = strip
    write(search, range(1, 6))
    pause = reason_of_the_pause(search)
    assert "customMetadata" in pause.reason
    assert proxy.meddled <= 2 * (pause.count + 1)
    proxy.meddle = None
    settle(search)
    assert len(documents(search)) == 5 + existing


def test_json_of_any_shape_is_the_engines_fault_and_never_a_key_error(search: Scrypath, proxy: Proxy) -> None:
    engine: Any = search.runtime.engine
    questions = {
        "add": lambda: engine.add("posts", b"[]", key="id", token="t"),
        "delete": lambda: engine.delete("posts", ["1"], token="t"),
        "documents": lambda: engine.documents("posts", ["1"]),
        "ids": lambda: list(engine.ids("posts", "id")),
        "search": lambda: engine.search("posts", {}),
        "index": lambda: engine.index("posts"),
        "create": lambda: engine.create("posts", "id"),
        "settings": lambda: engine.settings("posts"),
        "stats": lambda: engine.stats("posts"),
        "tasks": lambda: engine.tasks([1]),
        "tasks_after": lambda: engine.tasks_after(1),
        "newest_task": engine.newest_task,
        "count_tasks": engine.count_tasks,
        "batch_size": lambda: engine.batch_size(1),
        "newest_batches": engine.newest_batches,
        "version": engine.version,
    }
    for body in (b"[]", b"{}", b"7", b"null", b'"text"', b'{"results": null}', b'{"results": [7]}', b""):
        proxy.meddle = lambda request, body=body: Answer(200, body)
        for name, ask in questions.items():
            # An object is all that is known of settings, and a list of documents may hold what it likes.
            if name == "settings" and body[:1] == b"{":
                continue
            assert takes(ask) is False, f"{name} took {body!r}"


def takes(ask: Callable[[], Any]) -> bool:
    """Whether a question takes what it is answered."""
    try:
        ask()
    except UnexpectedAnswer:
        return False
    return True


def test_the_status_shows_the_engines_version_where_the_key_may_ask(search: Scrypath, proxy: Proxy) -> None:
    assert search.sync_status(Post).engine.version == search.runtime.engine.version()
    proxy.meddle = asks("GET", "/version", Answer(403, refusal("invalid_api_key", "auth")))
    status = search.sync_status(Post)
    assert (status.engine.version, status.unknown) == (None, ())
    write(search, range(1, 3))
    settle(search)
    assert len(documents(search)) == 2
