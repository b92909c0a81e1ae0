"""All that is said to Meilisearch. Index uids here are the engine's own: the prefix is part of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from meilisearch.index import Index

from ..config import Options
from ..errors import EngineError
from ..work import EngineTask
from .transport import PooledRequests, Transport

MAX_POLLED = 3_000
"""The most uids in one poll: a query of 64,000 characters passes, one of 80,000 is refused."""


class Engine:
    """One Meilisearch. Every method raises `EngineError`, or `EngineUnreachable` where no answer came."""

    def __init__(self, options: Options) -> None:
        self._transport = Transport(
            options.meilisearch_url,
            options.meilisearch_api_key,
            timeout=(options.engine_connect_timeout, options.engine_timeout),
        )

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
        return self._task("post", f"{_index(index)}/documents?{query}", payload)

    def delete(self, index: str, ids: Sequence[str], *, token: str) -> int:
        """Delete documents by id, existing or not; the task's uid."""
        query = urlencode({"customMetadata": token})
        return self._task("post", f"{_index(index)}/documents/delete-batch?{query}", list(ids))

    def documents(
        self, index: str, ids: Sequence[str] | None = None, *, offset: int = 0, limit: int = 1_000
    ) -> list[Any]:
        """Documents as the index holds them, in the engine's own order; of `ids`, or a page of all."""
        body: dict[str, Any] = {"limit": len(ids) if ids is not None else limit, "offset": offset}
        if ids is not None:
            body["ids"] = list(ids)
        found: list[Any] = self._transport.call("post", f"{_index(index)}/documents/fetch", body)["results"]
        return found

    def ids(self, index: str, key: str, *, page: int = 1_000) -> Iterator[list[str]]:
        """Pages of the ids of all documents of an index."""
        offset = 0
        while found := self.id_page(index, key, offset=offset, limit=page):
            yield found
            offset += len(found)

    def id_page(self, index: str, key: str, *, offset: int, limit: int) -> list[str]:
        """The ids of some documents of an index, in the engine's own order."""
        body = {"limit": limit, "offset": offset, "fields": [key]}
        found = self._transport.call("post", f"{_index(index)}/documents/fetch", body)["results"]
        return [str(document[key]) for document in found]

    def search(self, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A search; the engine's answer."""
        found: dict[str, Any] = self._transport.call("post", f"{_index(index)}/search", dict(body))
        return found

    # indexes

    def index(self, index: str) -> dict[str, Any] | None:
        """`uid`, `createdAt`, `updatedAt`, `primaryKey` of an index; None where there is none."""
        return self._optional(_index(index), "index_not_found")

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
        return self._optional(f"{_index(index)}/settings", "index_not_found")

    def apply(self, index: str, settings: Mapping[str, Any]) -> int:
        """Change these settings; the others stay as they are."""
        return self._task("patch", f"{_index(index)}/settings", dict(settings))

    def stats(self, index: str) -> dict[str, Any] | None:
        """`numberOfDocuments` and more, as of the last batch; None where there is no index."""
        return self._optional(f"{_index(index)}/stats", "index_not_found")

    # tasks

    def tasks(self, uids: Iterable[int]) -> dict[int, EngineTask]:
        """The tasks of these uids that the engine still knows."""
        wanted, found = sorted(set(uids)), {}
        for start in range(0, len(wanted), MAX_POLLED):
            part = wanted[start : start + MAX_POLLED]
            query = urlencode({"uids": ",".join(map(str, part)), "limit": len(part)}, safe=",")
            for item in self._transport.call("get", f"tasks?{query}")["results"]:
                found[item["uid"]] = _task_of(item)
        return found

    def tasks_after(self, uid: int, *, limit: int = 1_000) -> list[EngineTask]:
        """The tasks registered after `uid`, oldest first."""
        query = urlencode({"from": uid + 1, "reverse": "true", "limit": limit})
        return [_task_of(item) for item in self._transport.call("get", f"tasks?{query}")["results"]]

    def newest_task(self, *, index: str | None = None, statuses: Sequence[str] = ()) -> EngineTask | None:
        """The newest task, of an index and in a status where asked for."""
        found = self._newest(index, statuses)["results"]
        return _task_of(found[0]) if found else None

    def count_tasks(self, *, index: str | None = None, statuses: Sequence[str] = ()) -> int:
        """How many tasks the engine has, of an index and in a status where asked for."""
        return int(self._newest(index, statuses)["total"])

    def batch_size(self, batch_uid: int) -> int:
        """How many tasks ran in one batch of the engine."""
        return int(self._transport.call("get", f"tasks?batchUids={batch_uid}&limit=2")["total"])

    def version(self) -> str:
        """The engine's version."""
        return str(self._transport.call("get", "version")["pkgVersion"])

    def _newest(self, index: str | None, statuses: Sequence[str]) -> Any:
        query = {"limit": "1"}
        if index is not None:
            query["indexUids"] = index
        if statuses:
            query["statuses"] = ",".join(statuses)
        return self._transport.call("get", f"tasks?{urlencode(query, safe=',')}")

    def _task(self, method: str, path: str, body: Any = None) -> int:
        return int(self._transport.call(method, path, body)["taskUid"])

    def _optional(self, path: str, missing: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._transport.call("get", path)
        except EngineError as exc:
            if exc.engine_code == missing:
                return None
            raise
        return found


def _index(index: str) -> str:
    return f"indexes/{quote(index, safe='')}"


def _task_of(item: Mapping[str, Any]) -> EngineTask:
    return EngineTask(
        uid=item["uid"],
        status=item["status"],
        type=item["type"],
        index_uid=item.get("indexUid"),
        batch_uid=item.get("batchUid"),
        error=item.get("error"),
        metadata=item.get("customMetadata"),
        finished_at=item.get("finishedAt"),
        details=item.get("details") or {},
    )
