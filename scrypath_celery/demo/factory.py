"""The demo's application: a Celery app with the search attached to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from celery import Celery
from sqlalchemy import Engine, create_engine

from ..ledger import sqlite
from .cities import search

_DATABASE, _BROKER, _ENGINE = "CITIES_DATABASE", "CITIES_BROKER", "CITIES_ENGINE"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the database, the broker and the engine are; all three are URLs."""

    database: str
    broker: str
    engine: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Place:
        """The place that `env` wrote into an environment."""
        return cls(database=environ[_DATABASE], broker=environ[_BROKER], engine=environ[_ENGINE])

    def env(self) -> dict[str, str]:
        """What tells other processes: workers, and the operators' commands."""
        return {_DATABASE: self.database, _BROKER: self.broker, _ENGINE: self.engine}

    def database_engine(self) -> Engine:
        """The database, set up for several writing processes."""
        return sqlite.configure(create_engine(self.database))


def create_app(place: Place) -> Celery:
    """The Celery app, with the search of `cities` attached.

    The relay's period and the longest pause make the demo quick (5 s and 60 s by default). The others are the
    defaults, named so that the environment that the demo runs in changes nothing.
    """
    app = Celery("cities", broker=place.broker, set_as_current=False)
    search.init_app(
        app,
        database=place.database_engine,
        meilisearch_url=place.engine,
        index_prefix="",
        sync_mode="celery",
        queue="search_sync",
        include=(),
        relay_period=1.0,
        pause_max=2.0,
    )
    return app
