"""The table of column types in *Declaring a schema* says what the code does."""

from __future__ import annotations

import enum
import inspect
import json
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeEngine

from scrypath_celery import Scrypath
from scrypath_celery.errors import ProjectionError
from tests.docs.page import CHECKOUT

TABLE = (CHECKOUT / "docs" / "declaring-a-schema.md").read_text().split("## What columns become")[1]
ROWS = [
    (kind, value, shown)
    for kinds, value, shown in re.findall(r"^\| (`.+?`) \| `(.+?)` \| (.+?) \|$", TABLE, re.MULTILINE)
    for kind in re.findall(r"`(.+?)`", kinds)
]
OF_NO_COLUMN = {"TypeDecorator", "TupleType"}


class Colour(enum.Enum):
    RED = "red"


NAMES = {"Colour": Colour, "Decimal": Decimal, "UUID": UUID, "date": date, "datetime": datetime, "time": time}
NAMES |= {"timedelta": timedelta}


def _searched(kind: str) -> tuple[Scrypath, Any]:
    class Base(DeclarativeBase):
        pass

    class Thing(Base):
        __tablename__ = "things"
        id: Mapped[int] = mapped_column(primary_key=True)
        value: Mapped[Any] = mapped_column(eval(kind, dict(vars(sqlalchemy)), NAMES))

    search = Scrypath(database=create_engine("sqlite://"))
    search.schema(fields=["value"])(Thing)
    return search, Thing


@pytest.mark.filterwarnings("ignore:Dialect sqlite.* does \\*not\\* support Decimal")
@pytest.mark.parametrize(("kind", "value", "shown"), ROWS)
def test_a_column_becomes_what_the_page_says(kind: str, value: str, shown: str) -> None:
    search, thing = _searched(kind)
    engine = create_engine("sqlite://")
    thing.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(thing(id=1, value=eval(value, {}, NAMES)))
        session.commit()
        record = session.get_one(thing, 1)
        if shown == "refused":
            with pytest.raises(ProjectionError):
                search.document(record)
        else:
            found = search.document(record)["value"]
            assert json.dumps(found) == json.dumps(json.loads(shown.strip("`")))
    engine.dispose()


def test_the_page_names_every_type_that_sqlalchemy_has_for_all_databases() -> None:
    types = {
        name
        for name in dir(sqlalchemy)
        if inspect.isclass(found := getattr(sqlalchemy, name)) and issubclass(found, TypeEngine) and not name.isupper()
    }
    assert {kind.partition("(")[0] for kind, _, _ in ROWS} - {"JSON"} == types - OF_NO_COLUMN
