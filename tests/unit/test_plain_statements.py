"""Which statements need not be looked through for others that change records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, literal, select, text, update

from scrypath_celery.capture import statement_parts
from scrypath_celery.capture.statement_parts import Plain
from tests.blog import Post, Tag

PLAIN: dict[str, Callable[[], Any]] = {
    "a SELECT": lambda: select(Post).where(Post.id == 1),
    "a CTE that reads": lambda: select(select(Post.id).cte("some").c.id),
    "an UPDATE": lambda: update(Post).where(Post.id == 1).values(title="x"),
    "text": lambda: text("SELECT 1"),
    "a statement that SQLAlchemy does not cache": lambda: insert(Post).values([{"title": "a"}, {"title": "b"}]),
}
HIDING: dict[str, Callable[[], Any]] = {
    "beside": lambda: select(literal(1)).add_cte(delete(Post).where(Post.id == 3).cte("gone")),
    "read from": lambda: select(func.count()).select_from(delete(Post).returning(Post.id).cte("gone")),
    "in a criterion": lambda: update(Tag).where(
        Tag.id.in_(select(update(Post).values(title="x").returning(Post.id).cte("gone").c.id))
    ),
    "in an INSERT": lambda: insert(Tag).from_select(["id"], select(delete(Post).returning(Post.id).cte("gone").c.id)),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_statement_that_hides_no_change_is_plain(name: str) -> None:
    plain = Plain()
    assert all(PLAIN[name]() in plain for _ in range(3))


@pytest.mark.parametrize("name", HIDING)
def test_a_statement_that_hides_a_change_is_never_plain(name: str) -> None:
    plain = Plain()
    assert all(PLAIN[other]() in plain for other in PLAIN)
    assert not any(HIDING[name]() in plain for _ in range(3))


def test_a_statement_is_looked_through_once_whatever_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []

    def hidden(statement: Any) -> Iterator[Any]:
        looked.append(statement)
        yield from ()

    monkeypatch.setattr(statement_parts, "hidden", hidden)
    plain = Plain()
    assert all(select(Post).where(Post.id == id) in plain for id in range(5))
    assert len(looked) == 1


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_parts, "KNOWN", 3)
    plain = Plain()
    for count in range(1, 10):
        assert select(Post).limit(1).with_only_columns(*[literal(1).label(f"c{at}") for at in range(count)]) in plain
    assert len(plain._known) <= 3
