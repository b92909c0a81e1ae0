"""Raw HTTP to an engine, for tests that look at statuses, bodies and headers themselves."""

from __future__ import annotations

import json as json_
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from tests.deadline import eventually

_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Reply:
    """An answer: `json` is None where the body is empty."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json_.loads(self.raw) if self.raw else None

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code of a refusal."""
        return self.status, self.json["code"]


class Wire:
    """Speaks to the engine at `url` over kept-alive connections; `key` goes with every request."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url
        self._key = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._pool = urllib3.PoolManager(retries=False, timeout=30.0, maxsize=8)

    def call(
        self,
        method: str,
        path: str,
        json: Any = ...,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request; `json` is the body as a value, `body` as bytes."""
        sent = dict(self._key)
        if json is not ...:
            body = json_.dumps(json).encode()
            sent |= _JSON
        answer = self._pool.request(method, self.url + path, body=body, headers=sent | dict(headers or {}))
        return Reply(answer.status, answer.headers, answer.data)

    def get(self, path: str) -> Any:
        """The JSON that a path answers."""
        return self.call("GET", path).json

    def add(self, index: str, documents: Any, query: str = "?primaryKey=id") -> int:
        """Post documents and return the task's uid."""
        uid: int = self.call("POST", f"/indexes/{index}/documents{query}", documents).json["taskUid"]
        return uid

    def over(self, uid: int) -> dict[str, Any]:
        """The task, once it is over."""

        def look() -> dict[str, Any] | None:
            task: dict[str, Any] = self.get(f"/tasks/{uid}")
            return task if task["status"] in ("succeeded", "failed", "canceled") else None

        task = eventually(look, what=f"task {uid} is over")
        assert task is not None
        return task

    def done(self, uid: int) -> dict[str, Any]:
        """The task, once it has succeeded."""
        task = self.over(uid)
        assert task["status"] == "succeeded", task
        return task

    def ids(self, index: str) -> list[Any]:
        """The ids of the documents of an index, in its order."""
        return [one["id"] for one in self.get(f"/indexes/{index}/documents?limit=100000&fields=id")["results"]]

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()
