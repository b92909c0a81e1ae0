"""What a tracked statement that returns no rows gives back, once it was executed with RETURNING."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import IteratorResult
from sqlalchemy.engine.result import SimpleResultMetaData


class Executed(IteratorResult[Any]):
    """A result without rows; `rowcount` is how many the statement changed."""

    def __init__(self, rowcount: int) -> None:
        super().__init__(SimpleResultMetaData(()), iter(()))
        self.rowcount = rowcount

    @property
    def returns_rows(self) -> bool:
        """Never: the statement asked for none."""
        return False
