"""Schemas checked once everything is imported."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.errors import SchemaError
from tests.unit.test_schemas import Article

TYPOS: list[dict[str, Any]] = [
    {"fields": ["titel"]},
    {"filterable": ["titel"]},
    {"sortable": ["titel"]},
    {"faceting": {"attributes": ["titel"]}},
    {"tenant_field": "titel"},
    {"index_if": "titel"},
    {"document_id": "titel"},
]


@pytest.mark.parametrize("declaration", TYPOS, ids=[next(iter(one)) for one in TYPOS])
def test_a_typo_is_refused_once_everything_is_imported(declaration: Any) -> None:
    schemas = Schemas()
    schemas.add(Article, **declaration)
    for _ in range(2):
        with pytest.raises(SchemaError, match="Article has no field 'titel'; did you mean 'title'"):
            schemas.complete()


def test_mappers_that_cannot_be_configured_are_named() -> None:
    class Own(DeclarativeBase):
        pass

    class Lonely(Own):
        __tablename__ = "lonely"
        id: Mapped[int] = mapped_column(primary_key=True)
        missing: Mapped[Any] = relationship("Missing")

    schemas = Schemas()
    schemas.add(Lonely)
    with pytest.raises(SchemaError, match=r"mappers of .*Lonely cannot be configured: .*'Missing'"):
        schemas.complete()
    Own.registry.dispose()
