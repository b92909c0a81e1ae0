"""Whatever is sent, the engine says what is wrong with it and goes on.

`EMBEDDED_MALFORMED` sets how many requests are generated (500), `EMBEDDED_SEED` the seed (1).
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import socket

import pytest

from scrypath_celery.embedded import EmbeddedEngine
from tests.embedded.malformed import Malformed, malformed
from tests.embedded.wire import Wire

_COUNT = int(os.environ.get("EMBEDDED_MALFORMED", "500"))
_SEED = int(os.environ.get("EMBEDDED_SEED", "1"))
_FORM = {"message", "code", "type", "link"}


def _sent(engine: EmbeddedEngine, request: Malformed) -> tuple[int, bytes]:
    """Status and body of the answer; a wait of ten seconds is a hang."""
    if request.raw is not None:
        with socket.create_connection((engine.host, engine.port), timeout=10) as client:
            client.sendall(request.raw)
            response = http.client.HTTPResponse(client)
            response.begin()
            return response.status, response.read()
    connection = http.client.HTTPConnection(engine.host, engine.port, timeout=10)
    try:
        connection.putrequest(request.method, request.path, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        if request.body is not None:
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _complaint(status: int, body: bytes) -> str | None:
    """What is wrong with the answer to a malformed request, or None."""
    if status in (404, 405) and not body:
        return None
    if not 400 <= status < 500:
        return f"status {status}: {body[:200]!r}"
    try:
        refusal = json.loads(body)
    except ValueError:
        return f"status {status} and no JSON: {body[:200]!r}"
    return None if refusal.keys() == _FORM and all(refusal.values()) else f"not in the engine's form: {refusal}"


def test_every_malformed_request_is_refused_in_the_engines_form(
    engine: EmbeddedEngine, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    wire.done(wire.add("a", [{"id": 1}]))
    complaints = []
    with caplog.at_level(logging.ERROR):
        for request in malformed(_SEED, _COUNT):
            complaint = _complaint(*_sent(engine, request))
            if complaint is not None:
                complaints.append(f"{request}\n    {complaint}"[:600])
    assert complaints == []
    assert caplog.records == []
    assert wire.get("/health") == {"status": "available"}
    assert wire.get("/tasks")["total"] == 1


@pytest.mark.parametrize("body", ["[1]", "[[]]", "[null]", '[{"id": 1}, "x"]'])
def test_an_array_of_no_objects_is_an_internal_error_as_recorded(body: str, wire: Wire) -> None:
    reply = wire.call("POST", "/indexes/a/documents", body=body.encode(), headers={"Content-Type": "application/json"})
    assert reply.refusal == (500, "internal")
