"""What calls of a `Scrypath` refuse in one line before they touch anything: wrong numbers, times, lists and kinds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scrypath_celery import Scrypath
from scrypath_celery.errors import ConfigError, QueryError, ScrypathError, WorkError


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


SEARCH: Any = Scrypath(database=create_engine("sqlite://"), sync_mode="inline")
SEARCH.schema(fields=["title"], filterable=["title"])(Post)

CALLS: dict[str, tuple[Callable[[Any], object], type[ScrypathError], tuple[Any, ...]]] = {
    "the limit of a retry": (lambda x: SEARCH.retry(all=True, limit=x), WorkError, (-1, 0, math.nan, math.inf, "1")),
    "the limit of a list": (lambda x: SEARCH.failed(limit=x), WorkError, (-1, 0, math.nan, True, "all")),
    "the page of a list": (lambda x: SEARCH.works(after=x), WorkError, ("x", math.nan, -1)),
    "the date of a list": (lambda x: SEARCH.failed(since=x), WorkError, ("yesterday", 10, math.nan)),
    "ids of works": (lambda x: SEARCH.cancel(ids=x), WorkError, (7, "12", ["x"], [math.nan], [None])),
    "states": (lambda x: SEARCH.failed(states=x), WorkError, ("failed", 7)),
    "the id of a work": (lambda x: SEARCH.work(x), WorkError, ("x", -1, math.nan, None, True)),
    "the id of a retry": (lambda x: SEARCH.retry_sync_work(x), WorkError, ("x", -1, None)),
    "the time of a receipt": (lambda x: SEARCH.receipt(1, seconds=x), WorkError, (math.nan, math.inf, -1, "5")),
    "a sample": (lambda x: SEARCH.verify(Post, sample=x), ConfigError, (0, -1, math.nan, "all")),
    "a reason": (lambda x: SEARCH.pause(Post, reason=x), WorkError, ("", " ", 5, None)),
    "how long the old content is kept": (
        lambda x: SEARCH.reindex(Post, keep_old=x),
        ConfigError,
        (-1, math.nan, math.inf, 1e300, "1d", True),
    ),
    "how many may fail": (lambda x: SEARCH.reindex(Post, allow_failed=x), ConfigError, (-1, math.nan, 0.5, "1")),
    "the mode of a reindex": (lambda x: SEARCH.reindex(Post, sync_mode=x), ConfigError, ("inlin", 7, math.nan)),
    "an option of a reindex": (lambda x: SEARCH.reindex(Post, **x), ConfigError, ({"detatch": True},)),
    "ids of a backfill": (lambda x: SEARCH.backfill(Post, ids=x), ConfigError, ("", "12", 7, {"a": 1})),
    "a condition of a backfill": (lambda x: SEARCH.backfill(Post, where=x), ConfigError, (["title"], "title", 7)),
    "ids of documents": (lambda x: SEARCH.delete_documents(Post, x), ConfigError, ("12", 12, None, b"1")),
    "records": (lambda x: SEARCH.sync_records(x), ConfigError, (Post(), None, "x")),
    "records that go": (lambda x: SEARCH.delete_records(x), ConfigError, (Post(), 7)),
    "a facet": (lambda x: SEARCH.facet_values(Post, x), QueryError, (5, None)),
    "the beginning of a value": (lambda x: SEARCH.facet_values(Post, "title", x), QueryError, (5, None)),
    "a Celery app": (lambda x: Scrypath(x), ConfigError, ("shop", 7, Celery)),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_a_call_cannot_mean_is_refused_in_one_line(name: str) -> None:
    ask, error, values = CALLS[name]
    for value in values:
        with pytest.raises(error) as refused:
            ask(value)
        assert "\n" not in str(refused.value)
        assert len(str(refused.value)) < 200
