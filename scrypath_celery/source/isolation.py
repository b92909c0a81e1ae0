"""Finding the ids for which the database refuses a statement, so that only they are to blame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

T = TypeVar("T")
Read = Callable[[Sequence[str]], T]


@dataclass
class Isolated(Generic[T]):
    """What could be read, part by part, and the error of each id that could not."""

    found: list[T] = field(default_factory=list)
    refused: dict[str, Exception] = field(default_factory=dict)


def isolate(read: Read[T], ids: Sequence[str]) -> Isolated[T]:
    """Read these ids together; where that fails, in halves until those that make it fail stand alone.

    `read` reads some ids in a transaction of its own. Before any id is blamed it is asked for none at all: what fails
    then, too, is the database's.

    Raises:
        Exception: what `read` raises where no id is to blame.
    """
    result: Isolated[T] = Isolated()
    parts, asked = [list(ids)], False
    while parts:
        part = parts.pop()
        try:
            result.found.append(read(part))
        except Exception as exc:
            if not part or concerns_the_database(exc):
                raise
            if not asked:
                read([])
                asked = True
            if len(part) == 1:
                result.refused[part[0]] = exc
            else:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
    return result


def concerns_the_database(exc: Exception) -> bool:
    """Whether an error says that the database itself cannot be used, whatever it was asked for."""
    cause = exc if isinstance(exc, SQLAlchemyError) else exc.__cause__
    return isinstance(cause, PoolTimeout) or (isinstance(cause, DBAPIError) and cause.connection_invalidated)
