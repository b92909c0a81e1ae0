"""The shop's records. A product's document names its maker, and says whether it is in stock."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import ForeignKey, Numeric, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

from .search import search


class Base(DeclarativeBase):
    """All tables of the shop."""


class Maker(Base):
    """Who makes products."""

    __tablename__ = "makers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    products: Mapped[list[Product]] = relationship(back_populates="maker")


@search.schema(
    fields=["name", "maker_name"],
    filterable=["in_stock", "maker_name"],
    sortable=["price"],
    index_if="listed",
    select=lambda: select(Product).options(selectinload(Product.maker)),
)
class Product(Base):
    """What is sold. One that is not listed any more leaves the index, and stays in the database."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    stock: Mapped[int] = mapped_column(default=0)
    listed: Mapped[bool] = mapped_column(default=True)
    maker_id: Mapped[int] = mapped_column(ForeignKey(Maker.id))
    maker: Mapped[Maker] = relationship(back_populates="products")

    @property
    def maker_name(self) -> str:
        """The name of its maker."""
        return self.maker.name

    @property
    def in_stock(self) -> bool:
        """Whether it can be bought."""
        return self.stock > 0
