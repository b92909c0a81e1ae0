"""Bodies: formats, compressions, limits."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from collections.abc import Iterator

import brotli  # type: ignore[import-untyped]
import pytest
import urllib3
import zstandard

from scrypath_celery.embedded import EmbeddedEngine
from tests.embedded.wire import Wire

_DOCUMENTS = [{"id": number, "title": f"Title {number}"} for number in range(20)]
_PLAIN = json.dumps(_DOCUMENTS).encode()


@pytest.fixture(scope="module")
def narrow() -> Iterator[Wire]:
    """Raw HTTP to an engine that takes bodies up to one million bytes."""
    with EmbeddedEngine(payload_limit=1_000_000) as engine:
        wire = Wire(engine.url)
        yield wire
        wire.close()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(_PLAIN)),
        ("deflate", zlib.compress(_PLAIN)),
        ("br", brotli.compress(_PLAIN)),
        ("zstd", zstandard.ZstdCompressor().compress(_PLAIN)),
        ("doggo", _PLAIN),
    ],
    ids=["gzip", "deflate", "br", "zstd", "unknown"],
)
def test_a_body_comes_in_any_known_compression(encoding: str, body: bytes, wire: Wire) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    reply = wire.call("POST", "/indexes/a/documents?primaryKey=id", body=body, headers=headers)
    assert wire.done(reply.json["taskUid"])["details"]["indexedDocuments"] == 20


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_corrupt_or_truncated_body_is_refused(encoding: str, wire: Wire) -> None:
    whole = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "br": brotli.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }[encoding](_PLAIN)
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    for body in (whole[:-8], b"not compressed at all"):
        reply = wire.call("POST", "/indexes/a/documents", body=body, headers=headers)
        assert reply.refusal == (400, "bad_request")


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_the_limit_counts_what_was_decompressed(encoding: str, narrow: Wire) -> None:
    body = json.dumps([{"id": 1, "text": "x" * 1_000_000}]).encode()
    compress = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.ZstdCompressor().compress}[encoding]
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    reply = narrow.call("POST", "/indexes/a/documents", body=compress(body), headers=headers)
    assert reply.refusal == (413, "payload_too_large")


def test_a_body_over_the_limit_is_refused_on_every_route(narrow: Wire) -> None:
    for path in ("/indexes/a/documents", "/indexes/a/documents/delete-batch", "/indexes/a/search", "/keys"):
        assert narrow.call("POST", path, ["x" * 3_000_000]).refusal == (413, "payload_too_large")
    assert narrow.get("/tasks")["total"] == 0


def test_a_body_far_over_the_limit_breaks_the_connection(narrow: Wire) -> None:
    with pytest.raises(urllib3.exceptions.HTTPError):
        narrow.call(
            "POST", "/indexes/a/documents", body=b"x" * 60_000_000, headers={"Content-Type": "application/json"}
        )
    assert narrow.call("GET", "/health").status == 200


def test_a_client_that_leaves_in_mid_body_leaves_no_task(engine: EmbeddedEngine, wire: Wire) -> None:
    head = b"POST /indexes/a/documents HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    with socket.create_connection((engine.host, engine.port)) as client:
        client.sendall(head + b'[{"id": 1},')
    assert wire.call("GET", "/health").status == 200
    assert wire.get("/tasks")["total"] == 0


def test_one_connection_carries_many_requests(engine: EmbeddedEngine) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n"
    with socket.create_connection((engine.host, engine.port)) as client:
        client.settimeout(10)
        client.sendall(request * 50)
        received = b""
        while received.count(b'{"status":"available"}') < 50:
            piece = client.recv(65_536)
            assert piece
            received += piece
    assert received.count(b"HTTP/1.1 200 OK") == 50


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("id:number,name:string,ok:boolean\n1, a ,true\n", [{"id": 1, "name": " a ", "ok": True}]),
        ('id,"a:b",c:doggo\nx,1,2\n', [{"id": "x", "a:b": "1", "c:doggo": "2"}]),
        ('id,text\n1,"two\nlines, ""quoted"""\n', [{"id": "1", "text": 'two\nlines, "quoted"'}]),
        ("id:number,n:number\n1,-1.5\n2,\n", [{"id": 1, "n": -1.5}, {"id": 2, "n": None}]),
    ],
)
def test_csv_has_a_header_with_types(text: str, documents: list[dict[str, object]], wire: Wire) -> None:
    headers = {"Content-Type": "text/csv"}
    reply = wire.call("POST", "/indexes/a/documents?primaryKey=id", body=text.encode(), headers=headers)
    wire.done(reply.json["taskUid"])
    assert wire.get("/indexes/a/documents")["results"] == documents


def test_a_quote_in_csv_that_is_never_closed_ends_with_the_text(wire: Wire) -> None:
    reply = wire.call("POST", "/indexes/a/documents", body=b'id\n"open', headers={"Content-Type": "text/csv"})
    wire.done(reply.json["taskUid"])
    assert wire.get("/indexes/a/documents")["results"] == [{"id": "open"}]


@pytest.mark.parametrize("text", ["id,n:number\n1,x\n", "id,b:boolean\n1,yes\n", "id,a\n1\n"])
def test_csv_that_does_not_fit_its_header_is_refused(text: str, wire: Wire) -> None:
    headers = {"Content-Type": "text/csv"}
    reply = wire.call("POST", "/indexes/a/documents", body=text.encode(), headers=headers)
    assert reply.refusal == (400, "malformed_payload")
