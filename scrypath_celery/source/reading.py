"""What some ids are now, as a reading found it, record by record or row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..declaration.document import document_id, encode, project
from ..declaration.schema import Schema
from ..errors import ProjectionError
from ..work import Failure
from .failures import refusal


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What some ids are now: encoded documents, ids without a record to index, and records that cannot be projected.

    `respelt` are the ids of records that the database found under another spelling of theirs: what was asked for is
    gone, and they are to be re-synced.
    """

    documents: Mapping[str, bytes]
    gone: tuple[str, ...]
    failures: Mapping[str, Failure]
    respelt: frozenset[str] = frozenset()


@dataclass(kw_only=True)
class Part:
    """What is read of some ids in one transaction."""

    schema: Schema
    wanted: Mapping[str, None]
    respelt: set[str]
    crash: Callable[[Exception], Failure]
    documents: dict[str, bytes] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)

    def take(self, id: str, record: Any, encoded: Callable[[Any], bytes | None]) -> None:
        """Note the document of a record or row, or why it has none."""
        try:
            document = encoded(record)
            if document is not None:
                self.documents[id] = document
        except ProjectionError as exc:
            self.failures[id] = refusal(exc)
        except (DBAPIError, PoolTimeout):
            raise
        except Exception as exc:  # noqa: BLE001 - the application's own code may raise anything
            self.failures[id] = self.crash(exc)

    def reading(self) -> Reading:
        """All of it."""
        documents, failures = self.documents, self.failures
        whole = len(documents) == len(self.wanted)
        gone = () if whole else tuple(id for id in self.wanted if id not in documents and id not in failures)
        return Reading(
            documents=documents,
            gone=gone,
            failures=failures,
            respelt=frozenset(self.respelt.difference(self.wanted)),
        )


def encoded_record(schema: Schema, record: Any) -> bytes | None:
    """The document of a record; None where it is not to be indexed."""
    if not schema.indexable(record):
        return None
    document = project(schema, record)
    try:
        return orjson.dumps(document)
    except TypeError:
        return encode(document, shown=f"{schema.name} {document_id(schema, record)}")
