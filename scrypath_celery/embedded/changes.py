"""What a batch of document tasks makes of one index: gathered first, written at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from .catalogue import Catalogue, Index
from .database import Database
from .documents import Documents, Place, Shapes
from .geo import check_geo, is_geo
from .identity import guess, of_document
from .refusal import Refusal
from .searchables import Searchables

_FIELD_LIMIT = 65_535
_Encoded = tuple[tuple[str, ...], bytes]


class Changes:
    """The documents of one index as they will be after a batch, as far as the batch changes them.

    Nothing is written before `write`. Only the scheduler writes documents, so that what was read while gathering is
    still so then.
    """

    def __init__(self, index: Index, documents: Documents, database: Database) -> None:
        self.index = index
        self._documents = documents
        self._shapes = Shapes(database, index)
        self._after: dict[str, _Encoded | None] = {}
        self._places: dict[str, Place] = {}
        self._looked_up: set[str] = set()
        self._prefix = f"Index `{index.uid}`: "
        self._geo = is_geo(index.settings)
        self._embedders = {name: one for name, one in (index.settings.get("embedders") or {}).items() if one}

    def add(self, payload: bytes, *, replace: bool, key: str | None, skip: bool) -> int:
        """Add or merge the documents of one payload and return how many distinct ids it holds.

        `replace` puts whole documents in place of old ones, else top-level fields are merged; `key` is the primary key
        named with the request; `skip` leaves out documents that do not exist yet. Refusal where one of them is wrong,
        and then none of the payload counts.
        """
        documents: list[dict[str, Any]] = orjson.loads(payload)
        if not documents:
            return 0
        primary = self._primary_key(documents[0], key)
        ids = [of_document(document, primary, self._prefix) for document in documents]
        self._check_special(ids, documents)
        self._look_up(ids)
        staged: dict[str, dict[str, Any]] = {}
        for identity, document in zip(ids, documents, strict=True):
            if skip and identity not in staged and not self._exists(identity):
                continue
            staged[identity] = self._merged(identity, staged, document, replace=replace)
        for identity, document in staged.items():
            self._after[identity] = self._shapes.encode(document)
        if len(self.index.fields) > _FIELD_LIMIT:
            raise Refusal(
                "max_fields_limit_exceeded",
                f"{self._prefix}A document cannot contain more than 65,535 fields.",
            )
        self.index.primary_key = primary
        return len(set(ids))

    def _merged(
        self, identity: str, staged: dict[str, dict[str, Any]], document: dict[str, Any], *, replace: bool
    ) -> dict[str, Any]:
        """The document as it is written: vectors of the index's embedders stay where it has none of its own."""
        if replace and not self._embedders:
            return document
        base = self._base(identity, staged)
        merged = document if replace else {**base, **document}
        if not self._embedders:
            return merged
        own, held = merged.get("_vectors") or {}, base.get("_vectors") or {}
        vectors = {**{name: one for name, one in held.items() if name in self._embedders}, **own}
        if not base:
            self._check_provided(identity, vectors)
        return {**merged, "_vectors": vectors} if vectors else merged

    def _check_provided(self, identity: str, vectors: dict[str, Any]) -> None:
        for name, embedder in self._embedders.items():
            if embedder.get("source") == "userProvided" and name not in vectors:
                raise Refusal(
                    "vector_embedding_error",
                    f"{self._prefix}While embedding documents for embedder `{name}`: no vectors provided for document"
                    f' "{identity}"\n- Note: `{name}` has `source: userProvided`, so documents must provide embeddings'
                    f" as an array in `_vectors.{name}`.\n- Hint: opt-out for a document with `_vectors.{name}: null`",
                )

    def delete(self, ids: Iterable[str]) -> int:
        """Delete documents by id and return how many there were."""
        distinct = list(dict.fromkeys(ids))
        self._look_up(distinct)
        gone = [identity for identity in distinct if self._exists(identity)]
        self._after.update(dict.fromkeys(gone))
        return len(gone)

    def write(self, catalogue: Catalogue, searchables: Searchables) -> None:
        """Write what was gathered, inside the caller's transaction."""
        kept = [(identity, one) for identity, one in self._after.items() if one is not None]
        gone = [self._places[one].docid for one, after in self._after.items() if after is None and one in self._places]
        self._documents.remove(self.index, gone)
        fresh = [identity for identity, _ in kept if identity not in self._places]
        docids = dict(zip(fresh, self._documents.free_places(self.index, len(fresh)), strict=True))
        docids.update((identity, place.docid) for identity, place in self._places.items())
        number = self._shapes.number
        self._documents.write(
            self.index, ((docids[identity], identity, number(names), body) for identity, (names, body) in kept)
        )
        self._documents.tally(self.index, self._tallies())
        catalogue.save(self.index)
        searchables.touch(self.index.number, self._after)

    def _tallies(self) -> dict[int, tuple[int, int]]:
        """What changes in the numbers of documents and bytes, by shape."""
        changes: dict[int, tuple[int, int]] = {}
        for identity, after in self._after.items():
            old = self._places.get(identity)
            if old is not None:
                documents, size = changes.get(old.shape, (0, 0))
                changes[old.shape] = (documents - 1, size - old.size)
            if after is not None:
                shape = self._shapes.number(after[0])
                documents, size = changes.get(shape, (0, 0))
                changes[shape] = (documents + 1, size + len(after[1]))
        return changes

    def _primary_key(self, first: dict[str, Any], key: str | None) -> str:
        known = self.index.primary_key
        if known is None:
            return guess(first, self._prefix) if key is None else key
        if key is not None and key != known:
            raise Refusal(
                "index_primary_key_already_exists", f"{self._prefix}Index already has a primary key: `{known}`."
            )
        return known

    def _check_special(self, ids: list[str], documents: list[dict[str, Any]]) -> None:
        for identity, document in zip(ids, documents, strict=True):
            if self._geo and "_geo" in document:
                check_geo(identity, document["_geo"], self._prefix)
            if "_vectors" in document:
                _check_vectors(identity, document["_vectors"], self._prefix)

    def _look_up(self, ids: list[str]) -> None:
        wanted = [identity for identity in ids if identity not in self._looked_up]
        self._places.update(self._documents.places(self.index, wanted))
        self._looked_up.update(wanted)

    def _exists(self, identity: str) -> bool:
        if identity in self._after:
            return self._after[identity] is not None
        return identity in self._places

    def _base(self, identity: str, staged: dict[str, dict[str, Any]]) -> dict[str, Any]:
        if identity in staged:
            return staged[identity]
        if identity in self._after:
            encoded = self._after[identity]
            return {} if encoded is None else dict(orjson.loads(encoded[1]))
        body = self._documents.body(self.index, identity) if identity in self._places else None
        return {} if body is None else dict(orjson.loads(body))


def _check_vectors(identity: str, vectors: Any, prefix: str) -> None:
    """Refuse vectors of another shape; the engine calls it an error of its own if they are no object at all."""
    if not isinstance(vectors, dict):
        raise Refusal("internal", f"{prefix}invalid type: {type(vectors).__name__}, expected a map")
    for name, one in vectors.items():
        if not isinstance(one, list | None) and not (isinstance(one, dict) and isinstance(one.get("regenerate"), bool)):
            raise Refusal(
                "invalid_vectors_type",
                f"{prefix}Bad embedder configuration in the document with id: `{identity}`. Expected `._vectors.{name}`"
                " to be an array of floats, an array of arrays of floats, or an object with at least the field"
                " `regenerate`.",
            )
