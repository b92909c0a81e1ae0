"""A reindex that is killed, in a process of its own: `python -m tests.rebuild.killed FOLDER URL KEY POINTS`.

For each point (a number: after how many commits and requests the process dies; 0: it does not) a forked child reindexes
a shop of its own and kills itself there; another one runs the same again. A line of JSON for each says how that ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import scrypath_celery.rebuild.fill as fill
import scrypath_celery.source.source as source
from scrypath_celery.engine.transport import Transport
from scrypath_celery.ledger import Ledger
from tests.shop import Post, Setup, Shop

POSTS, PAGE = 60, 10


def open_shop(folder: Path, url: str, key: str, point: int) -> Shop:
    """A shop of one's own."""
    options = {"meilisearch_api_key": key} if key else {}
    database = f"sqlite:///{folder / f'killed{point}.db'}"
    prefix = f"killed{point}"
    return Shop(Setup(broker="memory://", database=database, meilisearch_url=url, options=options, index_prefix=prefix))


def prepare(shop: Shop) -> None:
    """Posts that are indexed, and two that are not as the index has them."""
    shop.create()
    shop.add(*range(1, POSTS + 1))
    shop.search.drain()
    with shop.Session.begin() as session:
        session.get_one(Post, 1).title = "changed"
        session.delete(session.get_one(Post, 2))


def mortal(point: int) -> Callable[[], int]:
    """Count commits of ours and requests, and die after so many; how many there were."""
    count = [0]

    def dying(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            answer = function(*args, **named)
            count[0] += 1
            if count[0] == point:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return call

    Ledger.run = dying(Ledger.run)  # type: ignore[method-assign]
    Transport.call = dying(Transport.call)  # type: ignore[method-assign]
    return lambda: count[0]


def note_pages(path: Path) -> None:
    """Note each page that is read in a file."""
    read = source.Source.page

    def page(self: Any, schema: Any, size: int, **how: Any) -> Any:
        with path.open("a") as file:
            file.write(f"{how.get('until')} {how.get('after')}\n")
        return read(self, schema, size, **how)

    source.Source.page = page  # type: ignore[method-assign]


def reindex(shop: Shop, point: int, pages: Path) -> None:
    """The command; what it came to is written beside the pages."""
    counted = mortal(point)
    note_pages(pages)
    done = shop.search.reindex(Post)
    shop.search.drain()
    said: dict[str, Any] = {"cut_over": done.cut_over, "in_step": shop.in_step(), "events": counted()}
    said["phases"] = [one.phase for one in shop.search.rebuilds(Post)]
    pages.with_suffix(".json").write_text(json.dumps(said))


def forked(function: Callable[[], None]) -> int:
    """Run it in a child; how that ended."""
    pid = os.fork()
    if pid == 0:
        function()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def played(folder: Path, url: str, key: str, point: int) -> dict[str, Any]:
    """One death, and what the same command makes of it."""
    pages = folder / f"pages{point}.txt"
    forked(lambda: prepare(open_shop(folder, url, key, point)))
    died = forked(lambda: reindex(open_shop(folder, url, key, point), point, pages)) if point else 0
    again = forked(lambda: reindex(open_shop(folder, url, key, point), 0, pages))
    read = Counter(line.split(" ")[0] for line in pages.read_text().splitlines())
    once = Counter(line.split(" ")[0] for line in set(pages.read_text().splitlines()))
    twice = {until: read[until] - once[until] for until in read}
    said = json.loads(pages.with_suffix(".json").read_text()) if not again else {}
    return {"point": point, "died": died, "again": again, "read_twice": max(twice.values()), **said}


def main() -> None:
    """Play all points."""
    folder, url, key, points = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    for module in (fill, source):
        vars(module)["MAX_IDS"] = PAGE
    for point in map(int, points.split(",")):
        sys.stdout.write(json.dumps(played(folder, url, key, point)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
