"""What the shop does. Whoever calls owns the transaction; the note for the index is part of it."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from .models import Maker, Product
from .search import search


class SoldOut(Exception):
    """There are fewer than somebody wants to buy."""


def offer(session: Session, name: str, *, maker: str, price: Decimal, stock: int) -> Product:
    """Put a product on the shelf."""
    found = session.scalars(select(Maker).where(Maker.name == maker)).one_or_none()
    product = Product(name=name, price=price, stock=stock, maker=found or Maker(name=maker))
    session.add(product)
    search.sync_record(product, session=session)
    return product


def sell(session: Session, id: int, pieces: int = 1) -> Product:
    """Sell some pieces. Raises SoldOut, and then the caller's rollback takes the note for the index with it."""
    product = session.get_one(Product, id)
    product.stock -= pieces
    search.sync_record(product, session=session)
    if product.stock < 0:
        raise SoldOut(product.name)
    return product


def withdraw(session: Session, id: int) -> Product:
    """Take a product off the list: the same call, and `index_if` takes its document away."""
    product = session.get_one(Product, id)
    product.listed = False
    search.sync_record(product, session=session)
    return product


def rename_maker(session: Session, name: str, new: str) -> Maker:
    """Give a maker another name, which stands in the documents of all its products."""
    maker = session.scalars(select(Maker).where(Maker.name == name)).one()
    maker.name = new
    search.sync_records(maker.products, session=session)
    return maker


def discard(session: Session, id: int) -> None:
    """Delete a product for good."""
    product = session.get_one(Product, id)
    session.delete(product)
    search.delete_record(product, session=session)


def find(session: Session, words: str, *, in_stock: bool = False) -> tuple[Product, ...]:
    """Products that fit, the cheapest first among those that fit equally well."""
    wanted = {"in_stock": True} if in_stock else None
    return search.search(Product, words, session=session, filter=wanted, sort="price").records
