"""The engine that tests run against: embedded, or the real one that the environment names."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import EmbeddedError

if TYPE_CHECKING:
    from ..embedded import EmbeddedEngine


@dataclass(frozen=True, kw_only=True)
class EngineUnderTest:
    """A running engine: `url`, `api_key`, and the `index_prefix` that tests have to use there.

    `embedded` is the embedded engine itself, with its faults; None where a real one is used.
    """

    url: str
    api_key: str | None = None
    index_prefix: str = ""
    embedded: EmbeddedEngine | None = None

    @property
    def options(self) -> Mapping[str, Any]:
        """The options that lead a `Scrypath` to it: `search.override(**engine.options)`."""
        return {
            "meilisearch_url": self.url,
            "meilisearch_api_key": self.api_key,
            "index_prefix": self.index_prefix,
        }

    def reset(self) -> None:
        """Forget everything: all of the embedded engine; of a real one the indexes under our prefix alone."""
        if self.embedded is not None:
            self.embedded.reset()
            return
        from meilisearch import Client

        client = Client(self.url, self.api_key, timeout=30)
        offset, page, ours = 0, 1_000, list[str]()
        while results := client.get_indexes({"limit": page, "offset": offset})["results"]:
            ours += [index.uid for index in results if index.uid.startswith(f"{self.index_prefix}_")]
            offset += page
        for task in [client.delete_index(uid) for uid in ours]:
            client.wait_for_task(task.task_uid, timeout_in_ms=30_000)


@contextmanager
def engine_under_test() -> Iterator[EngineUnderTest]:
    """The engine that `MEILISEARCH_URL` (and `MEILISEARCH_API_KEY`) name, else a fresh embedded one, until the end.

    Raises:
        EmbeddedError: the embedded engine's libraries are not installed.
    """
    named = os.environ.get("MEILISEARCH_URL")
    if named:
        # Somebody's indexes may live there: ours have a prefix that nobody has, and we requeue no other.
        prefix = f"test_{secrets.token_hex(4)}"
        engine = EngineUnderTest(url=named, api_key=os.environ.get("MEILISEARCH_API_KEY"), index_prefix=prefix)
        try:
            yield engine
        finally:
            engine.reset()
        return
    try:
        from ..embedded import EmbeddedEngine
    except ModuleNotFoundError as exc:
        line = f"the embedded engine needs {exc.name}: python3 -m pip install 'scrypath-celery[dev]'"
        raise EmbeddedError(line) from exc
    with EmbeddedEngine() as embedded:
        yield EngineUnderTest(url=embedded.url, embedded=embedded)
