"""Vectors that others write into documents (`_vectors`): never wiped by what is sent.

A whole document in place of an old one leaves the vectors of the index's embedders alone where it has no `_vectors` of
its own, so to a live index they are left out. Two things remain. The engine refuses a *new* document without a word
about an embedder of the source `userProvided`, which fails all that it merges with it: such a document says that it has
none. And the index that a rebuild fills knows no vectors: those that the engine would not make again are carried over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from ..engine.reasons import request_failure
from ..errors import EngineError
from .claim_run import ClaimRun, Stopped

VECTORS = "_vectors"


def with_vectors(run: ClaimRun, documents: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """The documents with what they have to say of vectors; as they are where the schema declares no embedders.

    Raises:
        Stopped: the engine could not be asked what there is.
    """
    declared: Mapping[str, Any] = run.schema.declared_settings().get("embedders") or {}
    embedders = {name: one for name, one in declared.items() if one is not None}
    if not documents or not embedders:
        return documents
    runtime = run.runtime
    try:
        held = runtime.engine.vectors(runtime.uid_of(run.schema), list(documents), key=run.schema.key)
    except EngineError as exc:
        if exc.engine_code != "index_not_found":
            raise Stopped(request_failure(exc)) from exc
        held = {}
    return {id: _completed(run, body, held.get(id), embedders) for id, body in documents.items()}


def _completed(
    run: ClaimRun, body: bytes, held: Mapping[str, Any] | None, embedders: Mapping[str, Mapping[str, Any]]
) -> bytes:
    if held is not None and not run.to_target:
        return body
    document: dict[str, Any] = orjson.loads(body)
    own = document.get(VECTORS) or {}
    more = {name: value for name, value in _missing(run, held or {}, embedders) if name not in own}
    return orjson.dumps({**document, VECTORS: {**own, **more}}) if more else body


def _missing(
    run: ClaimRun, held: Mapping[str, Any], embedders: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, Any]]:
    """What a document that is new to its index has to say of each embedder."""
    for name, embedder in embedders.items():
        carried = _own_vectors(held.get(name)) if run.to_target else None
        if carried is not None:
            yield name, {"embeddings": carried, "regenerate": False}
        elif embedder.get("source") == "userProvided":
            yield name, None


def _own_vectors(found: Any) -> Any:
    """The vectors that somebody wrote, and the engine would not make again; None where there are none."""
    if isinstance(found, Mapping):
        return None if found.get("regenerate") else found.get("embeddings") or None
    return found or None
