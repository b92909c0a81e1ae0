"""A database user that lacks a right is told which, and nobody takes that for an outage."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import URL, Engine, create_engine, make_url, select

from scrypath_celery.errors import LedgerError
from scrypath_celery.ledger import Ledger
from scrypath_celery.ledger.tables import ledger as ledger_table


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def limited(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The Engine of a user who may read the ledger and no more."""
    name = f"limited_{secrets.token_hex(4)}"
    statements = {
        "postgresql": (
            f"CREATE ROLE {name} LOGIN PASSWORD 'x'",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}",
        ),
        "mariadb": (f"CREATE USER {name}@'%%' IDENTIFIED BY 'x'", f"GRANT SELECT ON {{}}.* TO {name}@'%%'"),
        "sqlite": (),
    }[request.param]
    undone = {"postgresql": f"DROP OWNED BY {name}; DROP ROLE {name}", "mariadb": f"DROP USER {name}@'%%'"}
    with ExitStack() as stack:
        url = make_url(f"sqlite:///{tmp_path / 'own.db'}")
        if request.param != "sqlite":
            url = make_url(stack.enter_context(request.getfixturevalue(request.param).database()))
        owner = create_engine(url, isolation_level="AUTOCOMMIT")
        stack.callback(owner.dispose)
        Ledger(lambda: owner).create_all()
        with owner.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.format(url.database))
        theirs = create_engine(url.set(username=name, password="x") if statements else read_only(url))
        try:
            yield theirs
        finally:
            theirs.dispose()
            with owner.connect() as connection:
                for statement in undone.get(request.param, "").split("; "):
                    if statement:
                        connection.exec_driver_sql(statement)


def read_only(url: URL) -> str:
    return f"sqlite:///file:{url.database}?mode=ro&uri=true"


def test_what_a_user_may_not_do_is_refused_with_the_remedy(limited: Engine) -> None:
    theirs = Ledger(lambda: limited)
    assert theirs.read(lambda tx: tx.execute(select(ledger_table.c.id)).scalar()) is not None
    with pytest.raises(LedgerError, match=r"let it SELECT, INSERT, UPDATE and DELETE in the ledger's tables"):
        theirs.run(lambda tx: tx.execute(ledger_table.update().values(relayed_at=1.0)))
