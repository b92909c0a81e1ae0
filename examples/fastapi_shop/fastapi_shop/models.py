"""The shop's records."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scrypath_celery import Scrypath

search = Scrypath()


class Base(DeclarativeBase):
    """All tables of the shop."""


@search.schema(fields=["name"], sortable=["price"])
class Product(Base):
    """What is sold."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    price: Mapped[float]
