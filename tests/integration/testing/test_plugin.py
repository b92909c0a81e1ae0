"""The fixtures that a user's tests get, in tests as a user writes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SHOP = """
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool
from scrypath_celery import Scrypath

engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
search = Scrypath(database=engine)

class Base(DeclarativeBase):
    pass

@search.schema(fields=["title"])
class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
"""

CONFTEST = """
import pytest
from shop import Base, Post, Session, engine, search

@pytest.fixture
def tables():
    Base.metadata.create_all(engine)
    search.ledger.create_all()
    yield
    Base.metadata.drop_all(engine)
    with engine.begin() as connection:
        for table in ("work", "claim", "index", "ledger"):
            connection.exec_driver_sql(f"DROP TABLE scrypath_{table}")
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A user's project, with a module and a conftest."""
    pytester.makepyfile(shop=SHOP)
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.syspathinsert()
    return pytester


def passed(project: pytest.Pytester, tests: str, count: int) -> None:
    """Run a user's tests in a process of their own; the plugin is found there as an installed one is."""
    project.makepyfile(test_shop=tests)
    project.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=count)


def test_work_is_run_by_the_drain_and_then_found(project: pytest.Pytester) -> None:
    passed(
        project,
        """
        from shop import Post, Session, engine, search

        def test_a_new_post_is_found(tables, scrypath_engine, scrypath_override, scrypath_drain):
            scrypath_override(search, **scrypath_engine.options)
            with Session(engine) as session:
                post = Post(title="Hello")
                session.add(post)
                search.sync_record(post, session=session)
                session.commit()
                outcome = scrypath_drain(search)
            assert len(outcome.succeeded) == 1
            found = search.meilisearch.index(Post).search("hello")
            assert [hit["title"] for hit in found["hits"]] == ["Hello"]
        """,
        1,
    )


def test_the_drain_works_inside_a_transaction_that_is_never_committed(project: pytest.Pytester) -> None:
    passed(
        project,
        """
        import pytest
        from shop import Post, Session, engine, search

        @pytest.fixture
        def connection(tables):
            with engine.connect() as connection:
                transaction = connection.begin()
                yield connection
                transaction.rollback()

        @pytest.mark.parametrize("title", ["one", "two"])
        def test_a_post_is_found(title, connection, scrypath_engine, scrypath_override, scrypath_drain):
            scrypath_override(search, **scrypath_engine.options)
            session = Session(bind=connection, join_transaction_mode="create_savepoint")
            post = Post(id=1, title=title)
            session.add(post)
            search.sync_record(post, session=session)
            session.commit()
            assert scrypath_drain(search, connection=connection).indexed == {"1"}
            found = search.meilisearch.index(Post).get_document("1")
            assert found.title == title
            session.close()

        def test_nothing_of_it_is_left(tables):
            with Session(engine) as session:
                assert session.query(Post).count() == 0
        """,
        3,
    )


def test_the_engine_is_one_for_the_session_and_forgets_before_each_test_that_uses_it(project: pytest.Pytester) -> None:
    passed(
        project,
        """
        import meilisearch
        import pytest

        urls = set()

        @pytest.mark.parametrize("turn", [1, 2])
        def test_it_is_empty(turn, scrypath_engine):
            urls.add(scrypath_engine.url)
            name = f"{scrypath_engine.index_prefix}_post" if scrypath_engine.index_prefix else "post"
            client = meilisearch.Client(scrypath_engine.url, scrypath_engine.api_key)
            with pytest.raises(meilisearch.errors.MeilisearchApiError):
                client.get_index(name)
            client.wait_for_task(client.create_index(name).task_uid)
            assert client.get_index(name).uid == name

        def test_it_was_the_same():
            assert len(urls) == 1
        """,
        3,
    )


def test_an_override_ends_with_its_test(project: pytest.Pytester) -> None:
    passed(
        project,
        """
        from shop import search

        def test_other_options(scrypath_override):
            assert scrypath_override(search, sync_mode="off") is search
            scrypath_override(search, queue="another")
            assert (search.options.sync_mode, search.options.queue) == ("off", "another")

        def test_the_old_ones():
            assert (search.options.sync_mode, search.options.queue) == ("celery", "search_sync")
        """,
        2,
    )


def test_the_broker_is_one_for_the_session_and_takes_messages(project: pytest.Pytester) -> None:
    passed(
        project,
        """
        from celery import Celery

        urls = set()

        def test_a_message_arrives(scrypath_broker):
            urls.add(scrypath_broker.url)
            app = Celery("shop", broker=scrypath_broker.url)
            app.send_task("anything", queue="parcels")
            with app.connection_for_read() as connection:
                assert connection.default_channel.queue_declare("parcels", passive=True).message_count == 1

        def test_it_is_the_same(scrypath_broker):
            assert urls == {scrypath_broker.url}
        """,
        2,
    )


def test_the_plugin_imports_nothing_before_a_fixture_is_used(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import json, sys
        from pathlib import Path

        def test_what_is_there():
            Path("modules.json").write_text(json.dumps(sorted(sys.modules)))
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
    loaded = set(json.loads(Path(pytester.path, "modules.json").read_text()))
    assert "scrypath_celery.testing.plugin" in loaded
    assert loaded & {"fakeredis", "redis", "aiohttp", "alembic", "scrypath_celery.embedded", "celery"} == set()


def test_the_fixtures_are_listed_with_what_they_are(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures", "-p", "no:cacheprovider")
    shown = result.stdout.str()
    for name in ("scrypath_engine [[]session scope[]]", "scrypath_broker [[]session scope[]]"):
        result.stdout.fnmatch_lines([f"{name}*"])
    assert "scrypath_override -- " in shown
    assert "scrypath_drain -- " in shown


def test_a_declared_field_that_no_document_has_is_warned_of_once(project: pytest.Pytester) -> None:
    passed(
        project,
        """
        import warnings
        import pytest
        from shop import Post, Session, engine, search
        from scrypath_celery.testing.undelivered import UndeliveredField

        def drained(scrypath_engine, scrypath_override, scrypath_drain, document):
            Post.search_document = document
            try:
                scrypath_override(search, **scrypath_engine.options)
                with Session(engine) as session:
                    post = Post(title="Hello")
                    session.add(post)
                    search.sync_record(post, session=session)
                    session.commit()
                return scrypath_drain(search)
            finally:
                del Post.search_document

        def test_a_document_with_all_fields(tables, scrypath_engine, scrypath_override, scrypath_drain):
            assert drained(scrypath_engine, scrypath_override, scrypath_drain, lambda self: {"title": None}).indexed

        def test_the_first_document_without_a_field(tables, scrypath_engine, scrypath_override, scrypath_drain):
            with pytest.warns(UndeliveredField, match="Post declares the field 'title'"):
                drained(scrypath_engine, scrypath_override, scrypath_drain, lambda self: {"other": self.title})

        def test_the_second_document_without_it(tables, scrypath_engine, scrypath_override, scrypath_drain):
            assert drained(scrypath_engine, scrypath_override, scrypath_drain, lambda self: {"other": 1}).indexed
        """,
        3,
    )
