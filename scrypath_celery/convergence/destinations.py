"""Two engines or two prefixes on one ledger: whether another process sends the same indexes elsewhere than this one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from ..errors import EngineError
from ..ledger import destinations, workers
from ..ledger.destinations import Destination, Sender
from ..runtime import Runtime, identity
from ..work import Mark
from .lost_tasks import is_lost

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Processes (`names`) that send `indexes` (without prefix) to another engine or prefix than this process.

    `url` and `prefix` are theirs, `here_url` and `here_prefix` this process's; URLs bear no secrets.
    """

    indexes: tuple[str, ...]
    url: str
    prefix: str
    here_url: str
    here_prefix: str
    names: tuple[str, ...]

    @property
    def is_another_engine(self) -> bool:
        """Whether it is the engine that differs, and not the prefix alone."""
        return self.url != self.here_url

    @property
    def text(self) -> str:
        """Both, in words."""
        here, there = (
            f"{url}{f' with the prefix {prefix!r}' if self.prefix != self.here_prefix else ''}"
            for url, prefix in ((self.here_url, self.here_prefix), (self.url, self.prefix))
        )
        shown = ", ".join(self.indexes[:8]) + (", ..." if len(self.indexes) > 8 else "")
        more = f" and {len(self.names) - 3} more" if len(self.names) > 3 else ""
        return f"{shown}: this process uses {here}, {', '.join(self.names[:3])}{more} {there}"

    @property
    def options(self) -> str:
        """The options that differ."""
        found = {"meilisearch_url": self.is_another_engine, "index_prefix": self.prefix != self.here_prefix}
        return " and ".join(name for name, differs in found.items() if differs)


def own(runtime: Runtime) -> Destination:
    """Where this process sends documents."""
    indexes = frozenset(schema.uid for schema in runtime.schemas)
    prefix, task = runtime.options.index_prefix, runtime.seen.task
    return Destination(url=runtime.engine.url, prefix=prefix, indexes=indexes, task=task)  # without user and password


def elsewhere(runtime: Runtime, *, ask: bool = True) -> tuple[Elsewhere, ...]:
    """The other destinations of indexes that this process declares, each with who sends there.

    Generations have indexes of their own, and an engine may have several URLs: one that shows a task which was seen
    under the other URL is no other. The engine is asked only where a URL differs, and never without `ask`.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    mine, found = own(runtime), dict[tuple[str, str], list[Sender]]()
    is_here = cache(lambda task: ask and _shows(runtime, task))
    for one in runtime.ledger.read(destinations.live):
        if not one.to.indexes & mine.indexes:
            continue
        same_engine = _place(one.to.url) == _place(mine.url) or (one.to.task is not None and is_here(one.to.task))
        if not same_engine or one.to.prefix != mine.prefix:
            url = mine.url if same_engine else one.to.url
            found.setdefault((url, one.to.prefix), []).append(one)
    return tuple(
        Elsewhere(
            indexes=tuple(sorted(mine.indexes & frozenset().union(*(one.to.indexes for one in those)))),
            url=url,
            prefix=prefix,
            here_url=mine.url,
            here_prefix=mine.prefix,
            names=tuple(one.name for one in those),
        )
        for (url, prefix), those in found.items()
    )


def is_another_engine(runtime: Runtime, mark: Mark) -> bool:
    """Whether an engine that does not show a mark's task may be another than the one that the mark was made in.

    That is so while another process sends the same indexes to another URL, unless what was seen under this URL is
    gone, too: then the engine itself was restored, emptied or replaced.

    Raises:
        LedgerError: the ledger cannot be used. EngineError: the engine did not answer.
    """
    mine = own(runtime)
    known = [one for one in runtime.ledger.read(destinations.live) if one.to.indexes & mine.indexes]
    here = [one.to.task for one in known if _place(one.to.url) == _place(mine.url)]
    if len(here) == len(known):
        return False
    seen = [task for task in (mine.task, *here) if task is not None]
    return not seen or any(not _is_gone(runtime, task) for task in seen)


def note(runtime: Runtime) -> None:
    """Note where this process, which is no worker, sends documents.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    name, to = identity().rpartition(":")[0], own(runtime)
    runtime.ledger.run(lambda tx: workers.note(tx, name, to, kind=workers.Kind.OTHER))


def _place(url: str) -> tuple[object, ...]:
    """What a URL says of where an engine is, however it is spelt."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return ("loopback" if host in LOOPBACK else host, port, parts.path.rstrip("/"))


def _shows(runtime: Runtime, task: Mark) -> bool:
    """Whether our engine shows a task that another process saw in its own; false where it does not answer."""
    try:
        return not _is_gone(runtime, task)
    except EngineError:
        return False


def _is_gone(runtime: Runtime, mark: Mark) -> bool:
    task = runtime.engine.tasks([mark.uid]).get(mark.uid)
    newest = runtime.engine.newest_task() if task is None else task
    return is_lost(mark, task, None if newest is None else newest.uid)
