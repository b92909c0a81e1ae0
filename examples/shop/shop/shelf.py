"""The shop from a terminal: `python3 -m shop.shelf fill`, `find`, `sell`."""

from __future__ import annotations

from decimal import Decimal

import click

from . import sales
from .main import shop
from .models import Base, Maker, Product

STOCK = [("Kettle", "Aqua", "29.90", 3), ("Travel kettle", "Aqua", "19.50", 8), ("Toaster", "Brot", "39.00", 2)]


@click.group()
def main() -> None:
    """Fill the shelf, find products, sell them."""


@main.command()
def fill() -> None:
    """Make the tables and put some products into them, as if they had been there before the search."""
    Base.metadata.create_all(shop.engine)
    with shop.sessions.begin() as session:
        makers = {name: Maker(name=name) for name in ("Aqua", "Brot")}
        for name, maker, price, stock in STOCK:
            session.add(Product(name=name, maker=makers[maker], price=Decimal(price), stock=stock))


@main.command()
@click.argument("words")
@click.option("--in-stock", is_flag=True, help="Only what can be bought.")
def find(words: str, in_stock: bool) -> None:
    """Find products."""
    with shop.sessions() as session:
        for product in sales.find(session, words, in_stock=in_stock):
            click.echo(f"{product.id} {product.name} ({product.maker.name}) {product.price}, {product.stock} left")


@main.command()
@click.argument("id", type=int)
@click.option("--pieces", type=int, default=1, show_default=True)
def sell(id: int, pieces: int) -> None:
    """Sell pieces of a product."""
    with shop.sessions.begin() as session:
        sales.sell(session, id, pieces)


if __name__ == "__main__":
    main()
