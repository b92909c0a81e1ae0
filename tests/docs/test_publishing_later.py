"""The condition of docs/publishing-later.md: a document is public as soon as its time has come, on each database."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import String, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Session

from scrypath_celery import Scrypath
from tests.imports import ROOT

WEST = {"postgresql": "SET TIME ZONE 'America/New_York'", "mysql": "SET time_zone = '-05:00'"}
PAGE = ROOT.parent / "docs" / "publishing-later.md"


def test_what_is_due_this_instant_is_public_in_any_time_zone(module_url: str) -> None:
    engine = create_engine(module_url)

    @event.listens_for(engine, "connect")
    def go_west(connection: Any, _: object) -> None:
        if engine.dialect.name in WEST:
            connection.cursor().execute(WEST[engine.dialect.name])

    class Base(DeclarativeBase):
        type_annotation_map: ClassVar[dict[Any, Any]] = {str: String(100)}

    block = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block is not None
    known: dict[str, Any] = {"search": Scrypath(None, database=engine), "Base": Base, "__name__": __name__}
    exec(compile(block[1], PAGE.name, "exec", dont_inherit=True), known)
    Base.metadata.create_all(engine)
    post = known["Post"]
    with Session(engine) as session:
        session.add(post(id=1, title="now", publish_at=datetime.now(UTC)))
        session.add(post(id=2, title="later", publish_at=datetime.now(UTC) + timedelta(hours=1)))
        session.commit()
        assert session.scalars(select(post.id).where(post.is_public)).all() == [1]
    engine.dispose()
