"""Clients that write while the engine is killed, and what has to be true afterwards."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import urllib3

from tests.deadline import PATIENCE, eventually
from tests.embedded.wire import Wire

_LOST = (urllib3.exceptions.HTTPError, OSError)
_WRITERS = 3


class Writers:
    """Writers of documents, of swaps and of new indexes.

    `accepted` are the uids that the engine answered with, `wishes` what each token of a document task asked for,
    `seen` the tasks that were seen to be over, by uid.
    """

    def __init__(self, url: str, seed: int) -> None:
        self._url, self._seed = url, seed
        self._stop = threading.Event()
        self.accepted: list[int] = []
        self.wishes: dict[str, tuple[str, str, Any]] = {}
        self.seen: dict[int, dict[str, Any]] = {}
        works: list[Callable[[Wire, random.Random, int], None]] = [self._documents] * _WRITERS
        works += [self._swaps, self._indexes, self._looks]
        self._threads = [threading.Thread(target=self._run, args=(work, n)) for n, work in enumerate(works)]

    def start(self) -> None:
        """Begin to write."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Wait until all have noticed that the engine is gone, or that they are to stop."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _run(self, work: Callable[[Wire, random.Random, int], None], number: int) -> None:
        wire, dice, turn = Wire(self._url), random.Random(self._seed * 100 + number), 0
        try:
            while not self._stop.is_set():
                work(wire, dice, number * 1_000_000 + turn)
                turn += 1
        except _LOST:
            return
        finally:
            wire.close()

    def _documents(self, wire: Wire, dice: random.Random, turn: int) -> None:
        token, identity = f"t{turn}", f"w{turn // 1_000_000}-{dice.randint(0, 20)}"
        match dice.choice(["POST", "POST", "PUT", "delete"]):
            case "delete":
                self.wishes[token] = ("delete", "documents", identity)
                reply = wire.call("DELETE", f"/indexes/documents/documents/{identity}?customMetadata={token}")
            case method:
                document = {"id": identity, f"f{dice.randint(0, 3)}": turn}
                self.wishes[token] = (method, "documents", document)
                path = f"/indexes/documents/documents?primaryKey=id&customMetadata={token}"
                reply = wire.call(method, path, [document])
        self.accepted.append(reply.json["taskUid"])

    def _swaps(self, wire: Wire, dice: random.Random, turn: int) -> None:
        if dice.random() < 0.5:
            self.accepted.append(wire.call("POST", "/swap-indexes", [{"indexes": ["left", "right"]}]).json["taskUid"])
            return
        token, document = f"s{turn}", {"id": dice.randint(0, 9), "turn": turn}
        self.wishes[token] = ("POST", "left", document)
        reply = wire.call("POST", f"/indexes/left/documents?customMetadata={token}", [document])
        self.accepted.append(reply.json["taskUid"])

    def _indexes(self, wire: Wire, dice: random.Random, turn: int) -> None:
        self.accepted.append(wire.call("POST", "/indexes", {"uid": f"made-{turn}"}).json["taskUid"])

    def _looks(self, wire: Wire, dice: random.Random, turn: int) -> None:
        for task in wire.get("/tasks?statuses=succeeded,failed&limit=50")["results"]:
            self.seen[task["uid"]] = task


def contradictions(wire: Wire, writers: Writers, prepared: int) -> list[str]:
    """What of all that was answered does not fit together, once the queue of the restarted engine is empty.

    `prepared` is the number of tasks from before the writers.
    """
    eventually(lambda: wire.get("/tasks?statuses=enqueued,processing")["total"] == 0, what="all is run")
    tasks = sorted(wire.get("/tasks?limit=1000000")["results"], key=lambda task: int(task["uid"]))
    by_uid = {task["uid"]: task for task in tasks}
    found = [f"task {uid} was accepted and is gone" for uid in writers.accepted if uid not in by_uid]
    found += [f"uid {uid} was given twice" for uid in {u for u in writers.accepted if writers.accepted.count(u) > 1}]
    found += [f"task {task['uid']} failed: {task['error']}" for task in tasks if task["status"] != "succeeded"]
    for uid, before in writers.seen.items():
        after = by_uid.get(uid)
        if (
            after is None
            or any(before[name] != after[name] for name in ("status", "finishedAt", "batchUid", "details"))
        ) and before["type"] != "indexSwap":  # later swaps rewrite the names in their details
            found.append(f"task {uid} read {before} and now {after}")
    return found + _wrong_documents(wire, writers, tasks[prepared:])


def _wrong_documents(wire: Wire, writers: Writers, tasks: list[dict[str, Any]]) -> list[str]:
    """Run all tasks once more in a model, each once and in order, and compare."""
    model: dict[str, dict[str, dict[str, Any]]] = {"documents": {}, "left": {}, "right": {}}
    for task in tasks:
        if task["type"] == "indexSwap":
            model["left"], model["right"] = model["right"], model["left"]
        if task.get("customMetadata") not in writers.wishes:
            continue
        kind, index, wish = writers.wishes[task["customMetadata"]]
        documents = model[index]
        if kind == "delete":
            documents.pop(wish, None)
        elif kind == "POST":
            documents[str(wish["id"])] = wish
        else:
            documents[wish["id"]] = documents.get(wish["id"], {}) | wish
    found = []
    for index, documents in model.items():
        real = {str(one["id"]): one for one in wire.get(f"/indexes/{index}/documents?limit=100000")["results"]}
        if real != documents:
            found.append(f"index {index} holds {real} instead of {documents}")
        if wire.get(f"/indexes/{index}/stats")["numberOfDocuments"] != len(documents):
            found.append(f"index {index} counts wrongly")
    made = [task for task in tasks if task["type"] == "indexCreation"]
    if wire.get("/indexes?limit=0")["total"] != 3 + len(made):
        found.append("the number of indexes is not that of their creations")
    return found
