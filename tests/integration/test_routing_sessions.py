"""Sessions that choose among several databases: the ledger's row goes where the data goes, or the call is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Delete, Engine, Update, create_engine, event, update
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import Session, sessionmaker

from scrypath_celery.capture.inline import drain
from scrypath_celery.errors import SessionError, WrongDatabase
from tests.blog import Base, Blog, Page, Post

Act = Callable[[Blog, Session], Any]


def change(blog: Blog, session: Session, *, flush: bool = False) -> None:
    post = session.get_one(Post, 1)
    post.title = "changed"
    blog.capture.sync_record(post)
    if flush:
        session.flush()


def add(blog: Blog, session: Session) -> None:
    session.add(post := Post(id=2, title="new"))
    blog.capture.sync_record(post)


ACTS: dict[str, tuple[Act, str]] = {
    "a new record": (add, "2"),
    "a changed record": (change, "1"),
    "a record that is flushed before the commit": (lambda b, s: change(b, s, flush=True), "1"),
    "an id": (lambda b, s: b.capture.delete_document(Post, 9, session=s), "9"),
    "a deleted record": (lambda b, s: s.delete(b.capture.delete_record(s.get(Post, 1)) and s.get(Post, 1)), "1"),
    "tracked: a new record": (lambda b, s: s.add(Post(id=3, title="new")), "3"),
    "tracked: a changed record": (lambda b, s: setattr(s.get(Post, 1), "title", "changed"), "1"),
    "tracked: a statement": (lambda b, s: s.execute(update(Post).values(title="all")), "1"),
}


@pytest.fixture(params=["a follower that cannot be written", "a follower that can"])
def follower(request: pytest.FixtureRequest, blog: Blog) -> Iterator[Engine]:
    """Another engine on the blog's database, as a replica without lag."""
    path = blog.engine.url.database
    url = f"sqlite:///file:{path}?mode=ro&uri=true" if "cannot" in request.param else f"sqlite:///{path}"
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def make(blog: Blog, follower: Engine) -> sessionmaker[Session]:
    """Sessions that read from the follower, as SQLAlchemy's documentation has it."""

    class RoutingSession(Session):
        def get_bind(self, mapper: Any = None, *, clause: Any = None, **arguments: Any) -> Any:
            return blog.engine if self._flushing or isinstance(clause, Update | Delete) else follower

    return sessionmaker(class_=RoutingSession)


@pytest.mark.parametrize("name", ACTS)
def test_the_ledgers_row_is_in_the_transaction_of_the_data(
    blog: Blog, make: sessionmaker[Session], follower: Engine, name: str
) -> None:
    act, id = ACTS[name]
    blog.add(Post(title="one"))
    if name.startswith("tracked"):
        with pytest.warns(UserWarning, match="Note"):
            blog.tracker.track(make)
    elsewhere: list[str] = []
    event.listen(follower, "before_cursor_execute", lambda *args: elsewhere.append(args[2]))
    for ends, expected in (("rollback", []), ("commit", [[id]])):
        with make() as session:
            act(blog, session)
            getattr(session, ends)()
        assert [ids for _, _, ids in blog.works()] == expected
    assert not any("scrypath_work" in statement for statement in elsewhere)
    blog.tracker.untrack(make)


def test_many_changes_of_a_routing_session_end_equal(blog: Blog, make: sessionmaker[Session]) -> None:
    blog.add(Post(title="one"))
    for number in range(12):
        with make.begin() as session:
            post = session.get_one(Post, 1)
            post.title = f"v{number}"
            blog.capture.sync_record(post)
        if number % 3 == 0:
            drain(blog.runtime)
    drain(blog.runtime)
    assert blog.index.indexes["post"]["1"]["title"] == "v11"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Engine]:
    """A database with the tables of the application, and no ledger."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shard.db'}")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def sharded(blog: Blog, other: Engine) -> sessionmaker[Any]:
    def choose(mapper: Any, instance: Any, clause: Any = None) -> str:
        return "other" if getattr(instance, "title", "").startswith("other") else "ledger"

    return sessionmaker(
        class_=ShardedSession,
        shards={"ledger": blog.engine, "other": other},
        shard_chooser=choose,
        identity_chooser=lambda mapper, key, **arguments: ["ledger", "other"],
        execute_chooser=lambda state: ["ledger", "other"],
    )


def test_a_record_of_a_shard_without_the_ledger_is_refused_at_the_call(blog: Blog, other: Engine) -> None:
    with sharded(blog, other)() as session:
        session.add(post := Post(title="here"))
        blog.capture.sync_record(post)
        session.add(there := Post(title="other"))
        for call in (blog.capture.sync_record, blog.capture.delete_record):
            with pytest.raises(WrongDatabase, match=r"shard\.db"):
                call(there)
        session.commit()
    assert [ids for _, _, ids in blog.works()] == [["1"]]


@pytest.mark.parametrize("kind", ["by class", "by table"])
def test_a_class_that_is_bound_elsewhere_is_refused_at_the_call(blog: Blog, other: Engine, kind: str) -> None:
    binds: dict[Any, Any] = {Post: blog.engine, Page: other}
    if kind == "by table":
        binds = {Post.__table__: blog.engine, Page.__table__: other}
    with sessionmaker(binds=binds)() as session:
        session.add_all([post := Post(title="one"), page := Page(slug="a")])
        blog.capture.sync_record(post)
        with pytest.raises(WrongDatabase, match=r"shard\.db"):
            blog.capture.sync_record(page)
        with pytest.raises(WrongDatabase):
            blog.capture.delete_document(Page, "b", session=session)
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]


def test_a_session_that_does_not_say_its_database_is_refused_at_the_call(blog: Blog) -> None:
    with Session(binds={Page: blog.engine}) as session:
        session.add(post := Post(title="one"))
        with pytest.raises(SessionError, match="does not say which database it writes a Post to"):
            blog.capture.sync_record(post)


CALLS: dict[str, Callable[[Blog, Session, Post], Any]] = {
    "a record": lambda blog, session, post: blog.capture.sync_record(post),
    "an id": lambda blog, session, post: blog.capture.delete_document(Post, 1, session=session),
    "tracked": lambda blog, session, post: session.flush(),
}


@pytest.mark.parametrize("where", ["the engine", "the session's connection", "the session's options"])
@pytest.mark.parametrize("call", CALLS)
def test_a_schema_translate_map_is_refused_at_the_call(blog: Blog, where: str, call: str) -> None:
    if where == "the session's options" and "execution_options" not in signature(Session).parameters:
        pytest.skip("sessions of this release have no options")
    options = {"schema_translate_map": {None: "main"}}
    bind = blog.engine.execution_options(**options) if where == "the engine" else blog.engine
    make = sessionmaker(bind, execution_options=options) if where == "the session's options" else sessionmaker(bind)
    if call == "tracked":
        with pytest.warns(UserWarning, match="Note"):
            blog.tracker.track(make)
    with make() as session:
        if where == "the session's connection":
            session.connection(execution_options=options)
        session.add(post := Post(title="one"))
        with pytest.raises(SessionError, match=r"schema_translate_map: .* a Scrypath of its own"):
            CALLS[call](blog, session, post)
        session.rollback()
    blog.tracker.untrack(make)
    assert blog.works() == []
