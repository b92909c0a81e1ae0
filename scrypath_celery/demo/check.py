"""Whether the index equals the database: every document against its row, by other means than the sync uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from .cities import City, Country, search

_PAGE = 5_000

Documents = dict[int, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Rows of the database, documents of the index, and the ids of what is in one alone or differs."""

    rows: int
    documents: int
    missing: tuple[int, ...]
    orphans: tuple[int, ...]
    different: tuple[int, ...]

    @property
    def equal(self) -> bool:
        """Whether the index is the database's projection."""
        return not (self.missing or self.orphans or self.different)


def compare(session: Session) -> Comparison:
    """Compare every row with its document: the rows by plain SQL, the documents by Meilisearch's own client."""
    rows, documents = in_database(session), in_index()
    return Comparison(
        rows=len(rows),
        documents=len(documents),
        missing=tuple(sorted(rows.keys() - documents.keys())),
        orphans=tuple(sorted(documents.keys() - rows.keys())),
        different=tuple(sorted(id for id in rows.keys() & documents.keys() if rows[id] != documents[id])),
    )


def in_database(session: Session) -> Documents:
    """What the documents must be, by id."""
    query = select(
        City.id, City.name, Country.name.label("country_name"), City.country_code, City.population
    ).join_from(City, Country)
    return {row.id: dict(row._mapping) for row in session.execute(query)}


def in_index() -> Documents:
    """The documents as the engine gives them out, by id."""
    index = search.meilisearch.index(City)
    found: Documents = {}
    while True:
        page = index.get_documents({"limit": _PAGE, "offset": len(found)}).results
        if not page:
            return found
        for document in page:
            found[document.id] = {key: value for key, value in vars(document).items() if not key.startswith("_")}
