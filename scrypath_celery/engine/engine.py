"""All that is said to Meilisearch. Index uids here are the engine's own: the prefix is part of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from meilisearch.index import Index

from ..config import Options
from ..declaration.document_ids import is_valid_id
from ..errors import EngineError, EngineTooOld, EngineUnreachable, KeyRefused, UnexpectedAnswer
from ..totals import Totals
from ..work import EngineTask
from . import answers, metrics, rights
from .transport import PooledRequests, Transport
from .versions import NEEDED_TEXT, is_new_enough

CHECKED_FOR = 300.0
"""Seconds for which the engine's version is taken to be as it was."""
MAX_POLLED = 3_000
"""The most uids in one poll: a query of 64,000 characters passes, one of 80,000 is refused."""
VECTORS_AT_ONCE = 100
"""Documents whose vectors are asked for in one request: they are large."""


T = TypeVar("T")


class Engine:
    """One Meilisearch. Every method raises `EngineError`, or `EngineUnreachable` where no answer came.

    Its requests are counted in `totals`.
    """

    def __init__(self, options: Options, *, totals: Totals | None = None) -> None:
        self._transport = Transport(
            options.meilisearch_url,
            options.meilisearch_api_key,
            timeout=(options.engine_connect_timeout, options.engine_timeout),
            totals=totals,
        )
        self._checked_at: float | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return self._transport.url

    def native(self, index: str) -> Index:
        """The official client's own Index, over our pooled connections (for the calling thread)."""
        client = self._transport.client()
        found = client.index(index)
        assert isinstance(client.http, PooledRequests)
        found.http = client.http
        return found

    # documents

    def add(self, index: str, payload: bytes, *, key: str, token: str) -> int:
        """Send documents (a JSON array), replacing whole documents; the task's uid."""
        query = urlencode({"primaryKey": key, "customMetadata": token})
        return self._marked("post", f"{_index(index)}/documents?{query}", payload, token)

    def delete(self, index: str, ids: Sequence[str], *, token: str) -> int:
        """Delete documents by id, existing or not; the task's uid."""
        query = urlencode({"customMetadata": token})
        return self._marked("post", f"{_index(index)}/documents/delete-batch?{query}", list(ids), token)

    def documents(
        self, index: str, ids: Sequence[str] | None = None, *, offset: int = 0, limit: int = 1_000
    ) -> list[Any]:
        """Documents as the index holds them, in the engine's own order; of `ids`, or a page of all.

        Ids that no document can have are left out: for one of them the engine would refuse them all.
        """
        if ids is not None:
            ids = [id for id in ids if is_valid_id(id)]
            if not ids:
                return []
        body: dict[str, Any] = {"limit": len(ids) if ids is not None else limit, "offset": offset}
        if ids is not None:
            body["ids"] = ids
        return self._transport.call("post", f"{_index(index)}/documents/fetch", body, shape=answers.results)

    def vectors(self, index: str, ids: Sequence[str], *, key: str) -> dict[str, Mapping[str, Any]]:
        """What the documents of these ids have under `_vectors`, by id; those that are not there are not in it."""
        found: dict[str, Mapping[str, Any]] = {}
        for start in range(0, len(ids), VECTORS_AT_ONCE):
            part = list(ids[start : start + VECTORS_AT_ONCE])
            body = {"ids": part, "limit": len(part), "fields": [key, "_vectors"], "retrieveVectors": True}
            for one in self._transport.call("post", f"{_index(index)}/documents/fetch", body, shape=answers.results):
                found[str(one.get(key))] = one.get("_vectors") or {}
        return found

    def ids(self, index: str, key: str, *, page: int = 1_000) -> Iterator[list[str]]:
        """Pages of the ids of all documents of an index."""
        offset = 0
        while found := self.id_page(index, key, offset=offset, limit=page):
            yield found
            offset += len(found)

    def id_page(self, index: str, key: str, *, offset: int, limit: int) -> list[str]:
        """A page of the ids of all documents of an index, in the engine's own order."""
        body = {"limit": limit, "offset": offset, "fields": [key]}
        found = self._transport.call("post", f"{_index(index)}/documents/fetch", body, shape=answers.results)
        # A document without this key is of another application: no id of ours is meant.
        return [str(document.get(key, "")) for document in found]

    def search(self, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A search; the engine's answer."""
        path = f"{_index(index)}/search"
        return self._transport.call("post", path, dict(body), shape=answers.hits, quoted=True)

    def multi_search(self, body: Mapping[str, Any], *, seconds: float | None = None) -> dict[str, Any]:
        """Several searches in one request, each with its `indexUid`; the engine's answer, awaited for `seconds`."""
        shape = answers.mapping
        return self._transport.call("post", "multi-search", dict(body), shape=shape, quoted=True, seconds=seconds)

    def facet_search(self, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A search among the values of one facet; the engine's answer."""
        path = f"{_index(index)}/facet-search"
        return self._transport.call("post", path, dict(body), shape=answers.mapping, quoted=True)

    def keys(self) -> list[dict[str, Any]]:
        """The API keys: `key`, `uid`, `actions`, `indexes`, `expiresAt`; needs the action `keys.get`."""
        return self._transport.call("get", "keys?limit=1000", shape=answers.results)

    def tenant_token(self, rules: Mapping[str, Any], *, key: str, uid: str, expires_at: datetime) -> str:
        """A token signed with an API key, which enforces `rules`; made by the official client, without a request."""
        return self._transport.client().generate_tenant_token(uid, dict(rules), expires_at=expires_at, api_key=key)

    # indexes

    def index(self, index: str) -> dict[str, Any] | None:
        """`uid`, `createdAt`, `updatedAt`, `primaryKey` of an index; None where there is none."""
        return self._optional(_index(index), answers.index)

    def create(self, index: str, key: str) -> int:
        """Create an index with its primary key; the task fails with `index_already_exists` where there is one."""
        return self._task("post", "indexes", {"uid": index, "primaryKey": key})

    def barrier(self, index: str, key: str) -> int:
        """An update of the index that changes nothing: never merged, so it parts the batches before and after it."""
        return self._task("patch", _index(index), {"primaryKey": key})

    def rename(self, index: str, new: str) -> int:
        """Rename an index (Meilisearch 1.18 and later)."""
        return self._task("patch", _index(index), {"uid": new})

    def swap(self, one: str, other: str) -> int:
        """Swap two indexes with all that is theirs. Never safe to send twice."""
        return self._task("post", "swap-indexes", [{"indexes": [one, other]}])

    def drop(self, index: str) -> int:
        """Delete an index."""
        return self._task("delete", _index(index))

    def settings(self, index: str) -> dict[str, Any] | None:
        """The live settings; None where there is no index."""
        return self._optional(f"{_index(index)}/settings", answers.mapping)

    def apply(self, index: str, settings: Mapping[str, Any]) -> int:
        """Change these settings; the others stay as they are."""
        path = f"{_index(index)}/settings"
        return self._transport.call("patch", path, dict(settings), shape=answers.registered, quoted=True)[0]

    def stats(self, index: str) -> dict[str, Any] | None:
        """`numberOfDocuments` and more, as of the last batch; None where there is no index."""
        return self._optional(f"{_index(index)}/stats", answers.stats)

    # tasks

    def tasks(self, uids: Iterable[int]) -> dict[int, EngineTask]:
        """The tasks of these uids that the engine still knows."""
        wanted, found = sorted(set(uids)), dict[int, EngineTask]()
        for start in range(0, len(wanted), MAX_POLLED):
            part = wanted[start : start + MAX_POLLED]
            query = urlencode({"uids": ",".join(map(str, part)), "limit": len(part)}, safe=",")
            found |= {task.uid: task for task in self._transport.call("get", f"tasks?{query}", shape=answers.tasks)}
        return found

    def tasks_after(self, uid: int, *, limit: int = 1_000) -> list[EngineTask]:
        """The tasks registered after `uid`, oldest first."""
        query = urlencode({"from": uid + 1, "reverse": "true", "limit": limit})
        return self._transport.call("get", f"tasks?{query}", shape=answers.tasks)

    def tasks_of(self, index: str, *, types: Sequence[str], page: int = 1_000) -> Iterator[EngineTask]:
        """The tasks of an index of these types, newest first."""
        query: dict[str, Any] = {"indexUids": index, "types": ",".join(types), "limit": page}
        while True:
            found = self._transport.call("get", f"tasks?{urlencode(query, safe=',')}", shape=answers.tasks)
            yield from found
            if len(found) < page:
                return
            query["from"] = found[-1].uid - 1

    def newest_task(self, *, index: str | None = None, statuses: Sequence[str] = ()) -> EngineTask | None:
        """The newest task, of an index and in a status where asked for."""
        found = self._newest(index, statuses, answers.tasks)
        return found[0] if found else None

    def count_tasks(self, *, index: str | None = None, statuses: Sequence[str] = ()) -> int:
        """How many tasks the engine has, of an index and in a status where asked for."""
        return self._newest(index, statuses, answers.total)

    def batch_size(self, batch_uid: int) -> int:
        """How many tasks ran in one batch of the engine."""
        return self._transport.call("get", f"tasks?batchUids={batch_uid}&limit=2", shape=answers.total)

    def newest_batches(self, *, limit: int = 20) -> list[tuple[int, float]]:
        """Of the newest batches that added documents and are over: how many, and the seconds that it took."""
        query = f"batches?types=documentAdditionOrUpdate&statuses=succeeded&limit={limit}"
        return self._transport.call("get", query, shape=answers.batches)

    # health

    def backlog(self) -> tuple[int, EngineTask | None]:
        """How many tasks are not over, and the oldest of them (of the indexes that the key may see)."""
        query = "tasks?statuses=enqueued,processing&limit=1&reverse=true"
        return self._transport.call("get", query, shape=answers.backlog)

    def last_move(self) -> str | None:
        """When the engine's newest batch ended, or began where it is under way (ISO 8601); None before the first."""
        return self._transport.call("get", "batches?limit=1", shape=answers.last_move)

    def sizes(self) -> tuple[int, int | None]:
        """Bytes that the engine takes on its disk, and how many of them are in use (None: it does not say)."""
        return self._transport.call("get", "stats", shape=answers.sizes)

    def metrics(self) -> dict[str, float]:
        """The engine's own metrics that bear no label, where the experimental feature `metrics` is on."""
        return metrics.read(self._transport.text("metrics"))

    def lacking(self, index: str) -> list[str]:
        """The rights that this package needs and the key lacks for an index; nothing is changed by asking.

        Each right is asked for with a request that has it, and that is refused for another reason.
        """
        missing = []
        for right, (method, path, body) in rights.QUESTIONS.items():
            try:
                self._transport.call(method, path.format(index=quote(index, safe="")), body, shape=answers.mapping)
            except KeyRefused:
                missing.append(right)
            except EngineUnreachable:
                raise
            except EngineError:
                continue
        return missing

    # version

    def version(self) -> str:
        """The engine's version."""
        return self._transport.call("get", "version", shape=answers.version)

    def require_version(self) -> None:
        """See that the engine has what is needed, once in a while; where the key may not ask, nothing is known.

        Raises:
            EngineTooOld: it lacks it; the message names both versions.
        """
        if self._checked_at is not None and time.monotonic() - self._checked_at < CHECKED_FOR:
            return
        version = self._known_version()
        if version is not None and not is_new_enough(version):
            raise EngineTooOld(
                f"Meilisearch at {self.url} is version {version}; version {NEEDED_TEXT} or newer is needed: upgrade it"
            )
        self._checked_at = time.monotonic()

    def _known_version(self) -> str | None:
        try:
            return self.version()
        except EngineUnreachable:
            raise
        except EngineError:
            return None

    def _newest(self, index: str | None, statuses: Sequence[str], shape: Callable[[Any], T]) -> T:
        query = {"limit": "1"}
        if index is not None:
            query["indexUids"] = index
        if statuses:
            query["statuses"] = ",".join(statuses)
        return self._transport.call("get", f"tasks?{urlencode(query, safe=',')}", shape=shape)

    def _task(self, method: str, path: str, body: Any = None) -> int:
        return self._transport.call(method, path, body, shape=answers.registered)[0]

    def _marked(self, method: str, path: str, body: Any, token: str) -> int:
        """Send a request whose task has to bear a token, and see that it does."""
        try:
            uid, metadata = self._transport.call(method, path, body, shape=answers.registered)
        except EngineError as exc:
            if exc.engine_code != "bad_request":
                raise
            known = self._known_version() or "unknown"
            text = f"Meilisearch at {self.url} refuses the parameter customMetadata: version {NEEDED_TEXT} or newer is"
            raise EngineTooOld(f"{text} needed, it says {known}", status=exc.status) from exc
        if metadata != token:
            seen = self.tasks([uid]).get(uid)
            if seen is not None and seen.metadata != token:
                text = "lost the parameter customMetadata of a request: what stands between must pass all parameters on"
                raise UnexpectedAnswer(f"Meilisearch at {self.url} {text}", sent=False)
        return uid

    def _optional(self, path: str, shape: Callable[[Any], dict[str, Any]]) -> dict[str, Any] | None:
        try:
            return self._transport.call("get", path, shape=shape)
        except EngineError as exc:
            if exc.engine_code == "index_not_found":
                return None
            raise


def _index(index: str) -> str:
    return f"indexes/{quote(index, safe='')}"
