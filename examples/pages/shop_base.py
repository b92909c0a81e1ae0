"""What every page of the documentation may use: a database, a Celery app, and a `Scrypath` that knows no class yet."""

from __future__ import annotations

from celery import Celery
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, sessionmaker

from scrypath_celery import Scrypath
from scrypath_celery.ledger.sqlite import configure

engine = configure(create_engine("sqlite:///shop.db"))
Session = sessionmaker(engine)
app = Celery("shop", broker="redis://127.0.0.1:6379/0")
search = Scrypath(app, database=Session, meilisearch_url="http://127.0.0.1:7700")


class Base(DeclarativeBase):
    """All tables of the shop."""
