"""Loads that the projection of records raises one by one (N+1), named once in the log with their remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from ..declaration.schema import Schema
from ..logs import log

MANY = 10
"""Loads of one kind in one reading from which on they are told."""


class LazyLoads:
    """What was told already, so that each is told once."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    @contextmanager
    def watched(self, session: Session, schema: Schema) -> Iterator[None]:
        """Count what is loaded one by one within this block, and tell of it at its end."""
        found: Counter[str] = Counter()

        def note(state: ORMExecuteState) -> None:
            name = _raised(state)
            if name is not None:
                found[name] += 1

        event.listen(session, "do_orm_execute", note)
        try:
            yield
        finally:
            event.remove(session, "do_orm_execute", note)
            self._tell(schema, found)

    def _tell(self, schema: Schema, found: Counter[str]) -> None:
        for name, count in found.items():
            if count < MANY or (schema.path, name) in self._told:
                continue
            self._told.add((schema.path, name))
            log("lazy_loads", schema=schema.name, loaded=name, count=count)


def _raised(state: ORMExecuteState) -> str | None:
    """What a statement loads for a single record; None where it does not."""
    if not state.is_orm_statement or not state.is_select:  # a query of the projection's own
        return None
    if state.lazy_loaded_from is not None:
        path: Any = state.loader_strategy_path
        last = path.path[-1] if path is not None and path.path else None
        name = state.lazy_loaded_from.class_.__name__
        key = getattr(getattr(last, "prop", last), "key", None)
        return f"{name}.{key}" if key else f"a relationship of {name}"
    if state.is_column_load and state.bind_mapper is not None:
        return f"columns of {state.bind_mapper.class_.__name__}"
    return None
