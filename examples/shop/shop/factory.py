"""The application factory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from celery import Celery
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker

from scrypath_celery.ledger import sqlite

from .search import search


@dataclass(frozen=True, kw_only=True)
class Config:
    """Where the shop's services are. Where Meilisearch is, and other options, `SCRYPATH_*` variables say."""

    database: str = "sqlite:///shop.db"
    broker: str = "redis://127.0.0.1:6379/0"

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The configuration in the variables SHOP_DATABASE and SHOP_BROKER."""
        given = {"database": environ.get("SHOP_DATABASE"), "broker": environ.get("SHOP_BROKER")}
        return cls(**{name: value for name, value in given.items() if value})


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The application: what its parts need."""

    engine: Engine
    sessions: sessionmaker[Session]
    celery_app: Celery


def create_app(config: Config | None = None) -> Shop:
    """Make the application, and attach the search to it."""
    config = config or Config.read()
    engine = create_engine(config.database)
    if engine.dialect.name == "sqlite":
        sqlite.configure(engine)
    sessions = sessionmaker(engine)
    celery_app = Celery("shop", broker=config.broker)
    search.init_app(celery_app, database=sessions, include=["shop.models"])
    return Shop(engine=engine, sessions=sessions, celery_app=celery_app)
