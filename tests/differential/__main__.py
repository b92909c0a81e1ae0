"""Ask a real engine and the embedded one the same generated requests, and print how often they agree, by kind.

    MEILISEARCH_URL=http://127.0.0.1:7700 python -m tests.differential [--seed 1] [--rounds 20] [--requests 60]

A round is a fresh index on both with generated settings and documents, and generated requests about it. The indexes
are removed again. Exit code 0 if at least 97 in 100 searches with words are answered alike and 99 in 100 of all else,
1 if not, 2 if there is no engine.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import urllib3

from scrypath_celery.embedded import EmbeddedEngine
from tests.deadline import eventually
from tests.differential.judge import differences
from tests.differential.material import Material
from tests.differential.requests import Asked, Requests

_WANTED = {"words": 0.97}
_ELSE = 0.99


class Engine:
    """One of the two engines."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(retries=False, timeout=120.0)
        self._headers = {"Content-Type": "application/json"} | (
            {} if key is None else {"Authorization": f"Bearer {key}"}
        )

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """The status and the JSON of an answer."""
        data = None if body is None else json.dumps(body).encode()
        try:
            response = self._pool.request(method, self._url + path, headers=self._headers, body=data)
        except urllib3.exceptions.ProtocolError:  # a debug build ends the connection where an assertion fails
            return 0, None
        return response.status, json.loads(response.data) if response.data else None

    def do(self, method: str, path: str, body: Any = None) -> Any:
        """Have a task done and return how it ended: its status, details and the code of its error."""
        status, answer = self.ask(method, path, body)
        if status != 202:
            return status, answer.get("code")

        def over() -> Any:
            task = self.ask("GET", f"/tasks/{answer['taskUid']}")[1]
            return task if task["status"] in ("succeeded", "failed", "canceled") else None

        task = eventually(over, what="the task is over")
        return task["status"], task["details"], (task["error"] or {}).get("code")


class Tally:
    """How often the engines agreed, by kind, and some examples of where they did not."""

    def __init__(self, show: int) -> None:
        self._show = show
        self.asked: Counter[str] = Counter()
        self.agreed: Counter[str] = Counter()

    def note(self, kind: str, about: str, places: list[str]) -> None:
        """Count one comparison."""
        self.asked[kind] += 1
        if not places:
            self.agreed[kind] += 1
            return
        self._show -= 1
        if self._show >= 0:
            sys.stdout.write(f"{kind}: {about}\n" + "".join(f"    {place}\n" for place in places[:4]))

    def report(self) -> bool:
        """Print the table; whether the agreement is what is wanted."""
        fine = True
        for kind in sorted(self.asked):
            share, wanted = self.agreed[kind] / self.asked[kind], _WANTED.get(kind, _ELSE)
            fine = fine and share >= wanted
            mark = "" if share >= wanted else f", wanted {wanted:.0%}"
            sys.stdout.write(f"{kind:16} {self.agreed[kind]:6} of {self.asked[kind]:6}  {share:7.2%}{mark}\n")
        rest = sum(self.asked.values()) - self.asked["words"]
        alike = sum(self.agreed.values()) - self.agreed["words"]
        sys.stdout.write(f"{'all but words':16} {alike:6} of {rest:6}  {alike / max(rest, 1):7.2%}\n")
        return fine


def _writes(chance: Random, uid: str) -> Iterator[tuple[str, str, Any]]:
    """The settings and documents of a round, with some changes of the documents."""
    material = Material(chance)
    yield "PATCH", f"/indexes/{uid}/settings", material.settings()
    yield "POST", f"/indexes/{uid}/documents?primaryKey=id", [material.document(id) for id in range(30)]
    if chance.random() < 0.5:
        part = [{"id": chance.randint(0, 35), "title": material.text(4), "c": material.value()} for _ in range(4)]
        yield "PUT", f"/indexes/{uid}/documents", part
        yield "POST", f"/indexes/{uid}/documents/delete-batch", [chance.randint(0, 35) for _ in range(4)]
        yield "POST", f"/indexes/{uid}/documents", [material.document(chance.randint(0, 40)) for _ in range(3)]


def _told(asked: Asked) -> Asked:
    """The request with the details that tell which hits rank alike."""
    if not asked.path.endswith("/search") or asked.kind in ("shown", "wrong"):
        return asked
    return Asked(asked.kind, asked.method, asked.path, {**asked.body, "showRankingScoreDetails": True})


def _round(engines: tuple[Engine, Engine], seed: str, requests: int, tally: Tally) -> None:
    chance, uid = Random(seed), f"differential-{seed}"
    real, other = engines
    for method, path, body in _writes(chance, uid):
        ends = [engine.do(method, path, body) for engine in engines]
        about = f"{method} {path} {json.dumps(body)[:600]}"
        tally.note("tasks", about, [] if ends[0] == ends[1] else [f"{ends[1]} instead of {ends[0]}"])
    maker = Requests(chance, uid)
    for _ in range(requests):
        asked = _told(maker.make())
        about = f"{asked.method} {asked.path} {json.dumps(asked.body, ensure_ascii=False)}"
        answers = [engine.ask(asked.method, asked.path, asked.body) for engine in (real, other)]
        if answers[0][0]:
            tally.note(asked.kind, about, differences(answers[0], answers[1]))
    for engine in engines:
        engine.do("DELETE", f"/indexes/{uid}")


def main() -> int:
    """Run the rounds and print the agreement."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="what the generated material depends on")
    parser.add_argument("--rounds", type=int, default=20, help="fresh indexes to compare")
    parser.add_argument("--requests", type=int, default=60, help="requests about each of them")
    parser.add_argument("--show", type=int, default=10, help="differences to print")
    options = parser.parse_args()
    url = os.environ.get("MEILISEARCH_URL")
    if url is None:
        sys.stderr.write("MEILISEARCH_URL has to name a running Meilisearch\n")
        return 2
    tally = Tally(options.show)
    with EmbeddedEngine() as embedded:
        engines = Engine(url, os.environ.get("MEILISEARCH_API_KEY")), Engine(embedded.url)
        for number in range(options.rounds):
            _round(engines, f"{options.seed}-{number}", options.requests, tally)
    return 0 if tally.report() else 1


if __name__ == "__main__":
    sys.exit(main())
