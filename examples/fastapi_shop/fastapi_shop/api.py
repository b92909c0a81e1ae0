"""The routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from .models import Product, search
from .service import create_tables, engine, sessions


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The tables at the start, the connections at the end."""
    await create_tables()
    yield
    await engine.dispose()


async def transaction() -> AsyncIterator[AsyncSession]:
    """One transaction a request, committed before the answer is sent."""
    async with sessions.begin() as session:
        yield session


app = FastAPI(lifespan=lifespan)
Transaction = Annotated[AsyncSession, Depends(transaction, scope="function")]


class Offer(BaseModel):
    """What a product is to be."""

    name: str
    price: float


@app.post("/products", status_code=202)
async def offer(wanted: Offer, session: Transaction) -> dict[str, Any]:
    """Put a product on the shelf: accepted, and searchable a moment later."""
    product = Product(name=wanted.name, price=wanted.price)
    session.add(product)
    result = search.sync_record(product, session=session)
    await session.flush()
    return {"id": product.id, "mode": result.mode, "works": list(result.work_ids)}


@app.put("/products/{id}", status_code=202)
async def change(id: int, wanted: Offer, session: Transaction) -> dict[str, Any]:
    """Change a product."""
    product = await existing(session, id)
    product.name, product.price = wanted.name, wanted.price
    search.sync_record(product, session=session)
    return {"id": id}


@app.delete("/products/{id}", status_code=202)
async def discard(id: int, session: Transaction) -> dict[str, Any]:
    """Delete a product."""
    product = await existing(session, id)
    await session.delete(product)
    search.delete_record(product, session=session)
    return {"id": id}


@app.get("/products")
async def find(session: Transaction, q: str = "", page: int = 1) -> dict[str, Any]:
    """Products that fit, a page at a time."""
    found = await search.asearch(Product, q, session=session, sort="price", page=page)
    products = [{"id": one.id, "name": one.name, "price": one.price} for one in found.records]
    return {"products": products, "total": found.total, "pages": found.pages}


async def existing(session: AsyncSession, id: int) -> Product:
    """The product of an id, or the answer 404."""
    product = await session.get(Product, id)
    if product is None:
        raise HTTPException(404, f"there is no product {id}")
    return product
