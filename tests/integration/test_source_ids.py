"""Ids that no record can have, and ids that the database spells in another way."""

from __future__ import annotations

from typing import Any

import pytest

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.source import Source
from tests.integration.test_source_columns import Writer, maker

__all__ = ["maker"]


@pytest.mark.filterwarnings("ignore:Dialect sqlite")
def test_ids_beyond_what_the_column_holds_are_gone(maker: Any) -> None:
    with maker.begin() as session:
        session.add(Writer(id=7, name="seven"))
    ids = ["7", str(2**40), str(-(2**62)), str(2**70), "007", "+7", "7.0", "seven"]
    found = Source(lambda: maker).read(Schemas().add(Writer, fields=["name"]), ids)
    assert (list(found.documents), list(found.gone)) == (["7"], ids[1:])
