"""What routes and workers share: the database, the Celery app, and the search that is attached to both."""

from __future__ import annotations

import os

from celery import Celery
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from scrypath_celery.ledger import sqlite

from .models import Base, search

engine = create_async_engine(os.environ.get("SHOP_DATABASE", "sqlite+aiosqlite:///shop.db"))
if engine.dialect.name == "sqlite":
    sqlite.configure(engine)
sessions = async_sessionmaker(engine, expire_on_commit=False)

celery_app = Celery("fastapi_shop", broker=os.environ.get("SHOP_BROKER", "redis://127.0.0.1:6379/0"))
search.init_app(celery_app, database=sessions)


async def create_tables() -> None:
    """Make the tables that are missing; the ledger's are made by `scrypath-celery ledger upgrade`."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
