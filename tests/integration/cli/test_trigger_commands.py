"""`ledger triggers`: what is printed, what is done, and the exit codes."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from scrypath_celery import Scrypath
from tests.integration.cli.conftest import Run, document
from tests.shop import Post, Shop


def test_triggers_are_installed_shown_and_removed(run: Run) -> None:
    missing = run("ledger", "triggers", "status")
    assert (missing.exit_code, missing.stdout) == (2, "schema=Post table=posts triggers=missing\n")
    assert run("ledger", "triggers", "upgrade").stdout == "Post: nothing to do\n"
    assert run("ledger", "triggers", "install").stdout == "schema=Post table=posts triggers=installed\n"
    assert run("ledger", "triggers", "install", "Post").stdout == "Post: nothing to do\n"
    there = run("ledger", "triggers", "status", "--json")
    assert there.exit_code == 0
    posts = {"schema": "Post", "table": "posts", "state": "installed"}
    assert document(there)["tables"] == [{**posts, "misses": None, "version": None, "wanted": None}]
    assert run("ledger", "triggers", "remove").stdout == "schema=Post table=posts triggers=removed\n"
    assert run("ledger", "triggers", "remove").stdout == "Post: nothing to do\n"


def test_status_shows_triggers_where_there_are_any_and_attention_where_one_is_lost(run: Run, shop: Shop) -> None:
    assert "triggers:" not in run("status").stdout
    run("ledger", "triggers", "install")
    assert "  triggers: posts=installed" in run("status").stdout
    with shop.engine.begin() as connection:
        name = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().first()
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    told = run("status", "--check").stdout
    assert "code=triggers_incomplete schema=Post: writes may be missed by its triggers: posts=outdated" in told
    assert "ledger triggers install Post" in told


def test_a_table_that_is_made_anew_is_told_and_gets_its_triggers_again(run: Run, shop: Shop) -> None:
    run("ledger", "triggers", "install")
    with shop.engine.begin() as connection:
        Post.__table__.drop(connection)  # type: ignore[attr-defined]
        Post.__table__.create(connection)  # type: ignore[attr-defined]
    assert "by its triggers: posts=missing" in run("status", "--check").stdout
    assert run("ledger", "triggers", "upgrade").stdout == "schema=Post table=posts triggers=renewed\n"
    assert run("ledger", "triggers", "status").exit_code == 0


def test_triggers_of_an_index_that_nobody_declares_are_named_and_removed(run: Run, shop: Shop) -> None:
    bygone = Scrypath(None, database=shop.engine)
    bygone.schema(fields=["title"], index="bygone")(Post)
    bygone.ledger.triggers(Post).install()
    run("ledger", "triggers", "install")
    told = run("ledger", "triggers", "status")
    assert (told.exit_code, told.stdout) == (0, "schema=Post table=posts triggers=installed\n")
    assert "Triggers on posts write for the index bygone, which is not declared here" in told.stderr
    assert document(run("ledger", "triggers", "status", "--json"))["undeclared"] == {"bygone": ["posts"]}
    assert run("ledger", "triggers", "remove", "Post", "--index", "bygone").exit_code == 1
    removed = run("ledger", "triggers", "remove", "--index", "bygone")
    assert removed.stdout == "schema=bygone table=posts triggers=removed\n"
    assert run("ledger", "triggers", "remove", "--index", "bygone").stdout == "bygone: nothing to do\n"
    assert run("ledger", "triggers", "status").stderr == ""


def test_status_shows_works_for_later(run: Run, shop: Shop) -> None:
    with shop.Session.begin() as session:
        session.add(post := Post(id=1, title="one"))
        shop.search.sync_record(post, session=session, at=datetime(2100, 1, 1, tzinfo=UTC))
    assert "  scheduled: count=1 next=2100-01-01T00:00:00" in run("status").stdout


def test_the_statements_can_be_reviewed_before_they_are_run(run: Run) -> None:
    printed = run("ledger", "triggers", "install", "--sql")
    assert len(re.findall("CREATE TRIGGER .* ON posts", printed.stdout)) == 3
    assert run("ledger", "triggers", "status").exit_code == 2


def test_the_statements_are_given_as_operations_of_alembic(run: Run) -> None:
    ran: list[str] = []
    operations = type("op", (), {"execute": staticmethod(ran.append)})
    exec(run("ledger", "triggers", "install", "--alembic").stdout, {"op": operations})
    assert len([statement for statement in ran if re.match("CREATE TRIGGER .* ON posts", statement)]) == 3


def test_an_unknown_schema_is_one_line_with_the_nearest(run: Run) -> None:
    refused = run("ledger", "triggers", "install", "Pots")
    assert refused.exit_code == 1
    assert "did you mean 'Post'" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
