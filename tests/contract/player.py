"""Plays recorded exchanges with Meilisearch against an engine and says where it answers otherwise.

A recording is a list of scenarios, a scenario a list of steps. A step is a request with the answer that Meilisearch
1.50.0 gave to it:

    method, path, headers?      the request's
    body? | text? | base64?     its body: as JSON, as it stands, or any bytes
    save?                       a name for the task (or the key) that the answer makes; `{name}` stands for it later
    settle?                     no request of its own: wait until the task of that name is over, and take its view
    loose?                      "hits": the order of hits is free; "status": nothing but the status counts
    status, answer              what Meilisearch answered

What differs from run to run (dates, durations, uids, sizes, texts for people) is compared by its kind.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from tests.deadline import eventually

RECORDINGS = Path(__file__).parent / "recordings"

_KINDS = (
    ("<date>", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")),
    ("<duration>", re.compile(r"PT[\d.HMS]+")),
)
_IGNORED = {
    "link",
    "processingTimeMs",
    "requestUid",
    "semanticHitCount",
    "progressTrace",
    "writeChannelCongestion",
    "internalDatabaseSizes",
}
_SIZES = {"rawDocumentDbSize", "avgDocumentSize", "databaseSize", "usedDatabaseSize"}
_OVER = ("succeeded", "failed", "canceled")
_FREE_LISTS = ("hits", "results")


@dataclass(frozen=True)
class Difference:
    """A step that was answered otherwise, and the places where."""

    step: int
    request: str
    places: tuple[str, ...]

    def __str__(self) -> str:
        return "\n    ".join((f"step {self.step}, {self.request}", *self.places))


@dataclass
class Player:
    """Plays steps against the engine at `url`; `key` goes with every request that names no other."""

    url: str
    key: str | None = None
    names: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pool = urllib3.PoolManager(retries=False, timeout=30.0)

    def play(self, scenario: dict[str, Any]) -> list[Difference]:
        """Play a scenario from its beginning and return what differed."""
        self.names = {}
        found = []
        for number, step in enumerate(scenario["steps"]):
            status, answer = self._answer(step)
            places = [] if status == step["status"] else [f"status {status} instead of {step['status']}"]
            free = step.get("loose", [])
            if "status" not in free:
                places += _compared(_sorted(step["answer"], free), _sorted(answer, free), "$")
            if places:
                request = f"settle {step['settle']}" if "settle" in step else f"{step['method']} {step['path']}"
                found.append(Difference(number, request, tuple(places)))
        return found

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _answer(self, step: dict[str, Any]) -> tuple[int, Any]:
        if "settle" in step:
            status, answer = self._settled(self.names[step["settle"]])
        else:
            headers = {name: self._filled(value) for name, value in step.get("headers", {}).items()}
            if "body" in step:
                headers.setdefault("Content-Type", "application/json")
            status, answer = self._send(step["method"], self._filled(step["path"]), headers, self._body(step))
            if "save" in step:
                self.names[step["save"]] = answer.get("taskUid", answer.get("key"))
        of_tasks = not step.get("path", "").startswith("/batches")
        known = {uid: name for name, uid in self.names.items() if isinstance(uid, int)} if of_tasks else {}
        return status, _by_kind(answer, known)

    def _settled(self, uid: int) -> tuple[int, Any]:
        def over() -> tuple[int, Any] | None:
            status, answer = self._send("GET", f"/tasks/{uid}", {}, None)
            return (status, answer) if status != 200 or answer["status"] in _OVER else None

        found = eventually(over, what=f"task {uid} is over")
        assert found is not None
        return found

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> tuple[int, Any]:
        if self.key is not None:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        sent = {name: value for name, value in headers.items() if (name, value) != ("Authorization", "")}
        response = self._pool.request(method, self.url + path, headers=sent, body=body)
        return response.status, json.loads(response.data) if response.data else None

    def _body(self, step: dict[str, Any]) -> bytes | None:
        if "base64" in step:
            return base64.b64decode(step["base64"])
        if "text" in step:
            return self._filled(step["text"]).encode()
        return self._filled(json.dumps(step["body"])).encode() if "body" in step else None

    def _filled(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: str(self.names.get(found[1], found[0])), text)


def recordings(folder: Path = RECORDINGS) -> dict[str, list[dict[str, Any]]]:
    """The scenarios by the name of their file; the one that wants an untouched engine is the first."""
    files = [*sorted(folder.glob("*.json")), *sorted(folder.glob("*/*.json"))]
    return {file.relative_to(folder).with_suffix("").as_posix(): json.loads(file.read_text()) for file in files}


def _by_kind(value: Any, known: dict[int, str], key: str = "", *, in_task: bool = False) -> Any:
    """The value with what differs from run to run replaced by its kind."""
    if isinstance(value, list):
        return [_by_kind(one, known, key) for one in value]
    if isinstance(value, dict):
        if {"key", "actions"} <= value.keys():
            value = value | {"key": "<key>", "uid": "<uid>"}
        task = "uid" in value and ("status" in value or "batchStrategy" in value)
        return {name: _by_kind(one, known, name, in_task=task) for name, one in value.items() if name not in _IGNORED}
    if isinstance(value, str):
        return _text_by_kind(value, known, key)
    if isinstance(value, int) and not isinstance(value, bool):
        if key in ("taskUid", "canceledBy", "next", "from") or (key == "uid" and in_task):
            return f"{{{known[value]}}}" if value in known else "<uid>"
        if key == "batchUid" or key in _SIZES:
            return "<uid>" if key == "batchUid" else "<size>"
    return value


def _text_by_kind(text: str, known: dict[int, str], key: str) -> str:
    if key in ("message", "batchStrategy"):
        return "<text>"
    for kind, pattern in _KINDS:
        if pattern.fullmatch(text):
            return kind
    for uid, name in known.items():
        text = re.sub(rf"(?<=[=,]){uid}(?=$|[,&])", f"{{{name}}}", text)
    return text


def _sorted(answer: Any, free: list[str]) -> Any:
    """The answer with the lists in one order whose order is free."""
    if "hits" not in free or not isinstance(answer, dict):
        return answer
    lists = {name: answer[name] for name in _FREE_LISTS if isinstance(answer.get(name), list)}
    return answer | {name: sorted(one, key=lambda hit: json.dumps(hit, sort_keys=True)) for name, one in lists.items()}


def _compared(want: Any, got: Any, place: str) -> list[str]:
    if isinstance(want, dict) and isinstance(got, dict):
        missing = [f"{place}.{name} is missing" for name in want if name not in got]
        more = [f"{place}.{name} is there, Meilisearch has none" for name in got if name not in want]
        both = [name for name in want if name in got]
        return missing + more + [line for name in both for line in _compared(want[name], got[name], f"{place}.{name}")]
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        pairs = enumerate(zip(want, got, strict=True))
        return [line for number, (a, b) in pairs for line in _compared(a, b, f"{place}[{number}]")]
    same = want == got and type(want) is type(got)
    return [] if same else [f"{place} is {json.dumps(got)[:200]} instead of {json.dumps(want)[:200]}"]
