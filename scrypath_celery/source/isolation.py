"""Finding the ids for which the database refuses a statement, so that only they are to blame."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, InvalidRequestError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..errors import SourceError
from .failures import is_interruption

T = TypeVar("T")
Read = Callable[[Sequence[str]], T]

HOPELESS = 32
"""Ids that fail alone, with nothing that could be read, before the statement itself is taken to be wrong."""


@dataclass
class Isolated(Generic[T]):
    """What could be read, part by part, and the error of each id that could not."""

    found: list[T] = field(default_factory=list)
    refused: dict[str, Exception] = field(default_factory=dict)


def isolate(read: Read[T], ids: Sequence[str]) -> Isolated[T]:
    """Read these ids together; where that fails, in halves until those that make it fail stand alone.

    `read` reads some ids in a transaction of its own. Before any id is blamed it is asked for none at all: what fails
    then, too, is the database's. So is what fails for every id, unless it is the values that are wrong. Anything may be
    raised where a row becomes a record: by the driver, by a type of the application, by SQLAlchemy for a class that it
    does not know.

    Raises:
        SourceError and others: what `read` raises where no id is to blame.
    """
    result: Isolated[T] = Isolated()
    parts, asked = deque([list(ids)]), False
    while parts:
        part = parts.popleft()
        try:
            result.found.append(read(part))
        except Exception as exc:
            if not part or concerns_the_database(exc):
                raise
            if not asked:
                read([])
                asked = True
            if len(part) > 1:
                middle = len(part) // 2
                parts += [part[:middle], part[middle:]]
            else:
                result.refused[part[0]] = exc
            if not result.found and len(result.refused) >= HOPELESS:
                raise
    if not result.found:
        for refusal in result.refused.values():
            if not concerns_the_value(refusal):
                raise refusal
    return result


def concerns_the_database(exc: Exception) -> bool:
    """Whether an error says that a database cannot be used, whatever it was asked for: no connection, or a lost one.

    A time limit that ends the work concerns no value, either.
    """
    cause = _cause(exc)
    if is_interruption(exc):
        return True
    lost = isinstance(cause, DBAPIError) and (cause.connection_invalidated or cause.statement is None)
    return lost or isinstance(cause, PoolTimeout)


def concerns_the_value(exc: Exception) -> bool:
    """Whether an error says that a value is wrong: one that a statement names, or that a record holds."""
    cause = _cause(exc)
    # A row whose class SQLAlchemy does not find is such an InvalidRequestError; a refused statement is another error.
    return isinstance(cause, DataError | InvalidRequestError) or not isinstance(cause, SQLAlchemyError | OSError)


def _cause(exc: Exception) -> BaseException | None:
    return exc.__cause__ if isinstance(exc, SourceError) else exc
