"""A generator of requests that are wrong in some way, from a seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

_JSON = {"Content-Type": "application/json"}
_READS = ("/indexes", "/tasks", "/batches", "/indexes/a/documents", "/indexes/a/search")
_WRITES = (
    ("POST", "/indexes"),
    ("PATCH", "/indexes/a"),
    ("POST", "/indexes/a/documents"),
    ("PUT", "/indexes/a/documents"),
    ("POST", "/indexes/a/documents/delete-batch"),
    ("POST", "/indexes/a/documents/delete"),
    ("POST", "/indexes/a/documents/fetch"),
    ("PATCH", "/indexes/a/settings"),
    ("PUT", "/indexes/a/settings/stop-words"),
    ("PATCH", "/indexes/a/settings/typo-tolerance"),
    ("POST", "/indexes/a/search"),
    ("POST", "/indexes/a/facet-search"),
    ("POST", "/multi-search"),
    ("POST", "/swap-indexes"),
)
_OF_INDEX = (
    ("GET", ""),
    ("DELETE", ""),
    ("GET", "/stats"),
    ("GET", "/documents"),
    ("DELETE", "/documents"),
    ("GET", "/documents/1"),
    ("GET", "/settings"),
    ("DELETE", "/settings/synonyms"),
    ("GET", "/search"),
)
_NUMBERS = {
    "/indexes": ("limit", "offset"),
    "/tasks": ("limit", "from", "uids", "batchUids", "canceledBy", "beforeEnqueuedAt", "afterFinishedAt", "reverse"),
    "/batches": ("limit", "from", "uids", "reverse", "statuses", "types"),
    "/indexes/a/documents": ("limit", "offset", "retrieveVectors"),
    "/indexes/a/search": ("limit", "offset", "page", "hitsPerPage", "showRankingScore", "cropLength"),
}
_NO_NUMBERS = (
    "doggo",
    "-1",
    "1.5",
    "",
    "0x1",
    "1e3",
    "99999999999999999999999",
    "٣",
    "null",
    "[1]",
    "1 2",
    "\x00",
    "🐕",
)
_NO_JSON = (
    b"{", b"[",
    b'{"a"', b'{"a":}', b"[1,]", b"nul", b"'x'", b'{"a": NaN}', b'["\xff\xfe"]', b'["\\ud800"]', b"\x00\x01",
    b"[" * 5_000, b'{"a":' * 5_000, b'"\n"', b"\xef\xbb\xbf[", b"<xml/>", b"a=1&b=2",
)  # fmt: skip
_NO_TYPES = (
    "text/plain",
    "",
    "json",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/json5",
    ";",
    "*/*",
)
_RAW = (
    b"GET\r\n\r\n",
    b"GET / \r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET /health HTTP/9.9\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost a\r\n\r\n",
    b"GET /health HTTP/1.1\r\n: x\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
    b"POST /indexes HTTP/1.1\r\nHost: a\r\nContent-Length: doggo\r\n\r\n",
    b"POST /indexes HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST /indexes HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
    b"POST /indexes HTTP/1.1\r\nHost: a\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"G\xc3\xa9T /health HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /health HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
)


@dataclass(frozen=True)
class Malformed:
    """A request that no engine should take; `raw` is one that is not even HTTP."""

    method: str = "GET"
    path: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    raw: bytes | None = None


def malformed(seed: int, count: int) -> Iterator[Malformed]:
    """`count` requests, the same for the same seed."""
    dice = random.Random(seed)
    for _ in range(count):
        yield dice.choice(_KINDS)(dice)


def _text(dice: random.Random) -> str:
    letters = "abcXYZ019 -_.~%é中🐕\"'<>{}[]|\\^`;,@"
    return "".join(dice.choice(letters) for _ in range(dice.randint(1, 12)))


def _value(dice: random.Random, depth: int = 0) -> Any:
    plain: list[Any] = [None, True, 0, -1, 1.5, 1e300, 2**70, "", _text(dice)]
    if depth < 3 and dice.random() < 0.5:
        inner = [_value(dice, depth + 1) for _ in range(dice.randint(0, 3))]
        return inner if dice.random() < 0.5 else {_text(dice): one for one in inner}
    return dice.choice(plain)


def _unknown_path(dice: random.Random) -> Malformed:
    tail = "/".join(quote(_text(dice), safe="") for _ in range(dice.randint(1, 4)))
    path = dice.choice(["/", "/indexes/a/", "/indexes/a/settings/", "/tasks/1/", "/multi-search/"])
    return Malformed(dice.choice(["GET", "POST", "PUT"]), f"{path}zz-{tail}/zz")


def _wrong_method(dice: random.Random) -> Malformed:
    method = dice.choice(["PUT", "TRACE", "HEADING", "PROPFIND", "get"])
    path = dice.choice(
        ["/health", "/version", "/indexes", "/tasks", "/multi-search", "/indexes/a", "/indexes/a/search"]
    )
    return Malformed(method, path)


def _bad_uid(dice: random.Random) -> Malformed:
    method, tail = dice.choice(_OF_INDEX)
    return Malformed(method, f"/indexes/{quote(_text(dice) + ' ', safe='')}{tail}")


def _unknown_parameter(dice: random.Random) -> Malformed:
    return Malformed(path=f"{dice.choice(_READS)}?zz{quote(_text(dice))}={quote(_text(dice))}")


def _bad_parameter(dice: random.Random) -> Malformed:
    path = dice.choice(list(_NUMBERS))
    return Malformed(path=f"{path}?{dice.choice(_NUMBERS[path])}={quote(dice.choice(_NO_NUMBERS))}")


def _bad_type(dice: random.Random) -> Malformed:
    method, path = dice.choice(_WRITES)
    headers = {} if dice.random() < 0.3 else {"Content-Type": dice.choice(_NO_TYPES)}
    return Malformed(method, path, headers, json.dumps(_value(dice)).encode())


def _no_json(dice: random.Random) -> Malformed:
    method, path = dice.choice(_WRITES)
    return Malformed(method, path, _JSON, dice.choice(_NO_JSON))


def _no_body(dice: random.Random) -> Malformed:
    method, path = dice.choice(_WRITES)
    return Malformed(method, path, _JSON, b"")


def _other_json(dice: random.Random) -> Malformed:
    """JSON of another shape than the route takes: the value has a field that nobody knows, or is a bare word."""
    method, path = dice.choice([one for one in _WRITES if "documents" not in one[1] or "delete" in one[1]])
    unknown = {f"zz{_text(dice)}": _value(dice)}
    value: Any = unknown if dice.random() < 0.7 else _text(dice)
    if path == "/swap-indexes":
        value = [value]
    return Malformed(method, path, _JSON, json.dumps(value).encode())


def _bad_encoding(dice: random.Random) -> Malformed:
    headers = _JSON | {"Content-Encoding": dice.choice(["gzip", "deflate", "br", "zstd"])}
    return Malformed("POST", "/indexes/a/documents", headers, b"\x01\x02" + dice.randbytes(dice.randint(1, 200)))


def _no_http(dice: random.Random) -> Malformed:
    return Malformed(raw=dice.choice(_RAW))


_KINDS: tuple[Callable[[random.Random], Malformed], ...] = (
    _unknown_path,
    _wrong_method,
    _bad_uid,
    _unknown_parameter,
    _bad_parameter,
    _bad_type,
    _no_json,
    _no_body,
    _other_json,
    _bad_encoding,
    _no_http,
)
