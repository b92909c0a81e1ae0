"""Faults on demand, as a client sees them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import urllib3

from scrypath_celery.embedded import EmbeddedEngine
from tests.deadline import PATIENCE, eventually
from tests.embedded.wire import Wire


@pytest.fixture
def from_outside() -> Iterator[Wire]:
    """Raw HTTP to an engine with the local route for faults."""
    with EmbeddedEngine(faults_route=True) as engine:
        wire = Wire(engine.url)
        yield wire
        wire.close()


def test_a_busy_engine_says_when_to_come_back(engine: EmbeddedEngine, wire: Wire) -> None:
    fault = engine.faults.add("refuse", count=1, retry_after=3)
    reply = wire.call("GET", "/indexes")
    assert reply.refusal == (503, "too_many_search_requests")
    assert reply.headers["Retry-After"] == "3"
    assert wire.call("GET", "/indexes").status == 200
    assert fault.hits == 1


def test_a_full_engine_refuses_writes(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.faults.add("refuse", status=422, method="post")
    reply = wire.call("POST", "/indexes", {"uid": "a"})
    assert reply.refusal == (422, "no_space_left_on_device")
    assert reply.json["type"] == "system"
    assert wire.call("GET", "/indexes").status == 200


def test_an_engine_can_break(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.faults.add("err", count=1)
    assert wire.call("GET", "/indexes").refusal == (500, "internal")
    engine.faults.add("err", status=502)
    reply = wire.call("GET", "/indexes")
    assert reply.status == 502
    assert reply.raw.startswith(b"<html>")


def test_a_connection_cut_before_leaves_no_task(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.faults.add("cut_before", path="/indexes/*/documents", count=1)
    with pytest.raises(urllib3.exceptions.HTTPError):
        wire.add("a", [{"id": 1}])
    assert wire.get("/tasks")["total"] == 0


def test_a_connection_cut_after_leaves_a_task(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.faults.add("cut_after", method="POST")
    with pytest.raises(urllib3.exceptions.HTTPError):
        wire.add("a", [{"id": 1}])
    assert wire.get("/tasks")["total"] == 1


def test_a_given_up_request_registers_later(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.faults.add("register_later", method="POST", count=1, seconds=0.05)
    with pytest.raises(urllib3.exceptions.HTTPError):
        wire.add("a", [{"id": 1, "from": "the first"}])
    wire.done(wire.add("a", [{"id": 1, "from": "the retry"}]))
    eventually(lambda: wire.get("/tasks?statuses=succeeded")["total"] == 2, what="the first one is registered")
    assert wire.get("/indexes/a/documents/1")["from"] == "the first"


def test_an_answer_can_be_truncated(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.faults.add("truncate", keep=0.5)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        wire.call("GET", "/version")


def test_a_request_hangs_until_the_fault_ends(engine: EmbeddedEngine, wire: Wire) -> None:
    fault = engine.faults.add("hang", path="/version")
    replies = []
    client = threading.Thread(target=lambda: replies.append(wire.call("GET", "/version").status))
    client.start()
    eventually(lambda: fault.hits, what="the request hangs")
    assert replies == []
    fault.remove()
    client.join(PATIENCE)
    assert replies == [200]


def test_a_fault_is_limited_to_an_index_and_a_document(engine: EmbeddedEngine, wire: Wire) -> None:
    fault = engine.faults.add("err", index="a", document="13")
    assert wire.call("POST", "/indexes/b/documents", [{"id": 13}]).status == 202
    assert wire.call("POST", "/indexes/a/documents", [{"id": 12}]).status == 202
    assert wire.call("POST", "/indexes/a/documents", [{"id": 12}, {"id": 13}]).status == 500
    assert wire.call("GET", "/indexes/a/documents/13").status == 500
    assert wire.call("POST", "/indexes/a/documents/delete-batch", ["13"]).status == 500
    assert fault.hits == 3


def test_probability_follows_the_seed(engine: EmbeddedEngine, wire: Wire) -> None:
    def struck() -> list[bool]:
        engine.faults.clear()
        engine.faults.add("err", probability=0.5, seed=7)
        return [wire.call("GET", "/health").status == 500 for _ in range(20)]

    first = struck()
    assert 0 < sum(first) < 20
    assert struck() == first


def test_a_task_fails_alone(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.faults.add("fail_task", code="invalid_document_id", document="2")
    engine.freeze()
    uids = [wire.add("a", [{"id": number}]) for number in (1, 2, 3)]
    engine.thaw()
    assert [wire.over(uid)["status"] for uid in uids] == ["succeeded", "failed", "succeeded"]
    assert wire.get(f"/tasks/{uids[1]}")["error"]["code"] == "invalid_document_id"


def test_a_task_fails_with_its_whole_batch(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.faults.add("fail_task", code="invalid_document_geo_field", whole_batch=True, document="2", index="a")
    engine.freeze()
    uids = [wire.add("a", [{"id": number}]) for number in (1, 2, 3)]
    engine.thaw()
    assert {wire.over(uid)["error"]["code"] for uid in uids} == {"invalid_document_geo_field"}
    assert wire.done(wire.add("a", [{"id": 1}]))["status"] == "succeeded"


def test_tasks_are_canceled_and_vanish(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.faults.add("cancel_task", document="1")
    engine.faults.add("vanish_task", document="2")
    assert wire.over(wire.add("a", [{"id": 1}]))["status"] == "canceled"
    gone = wire.add("a", [{"id": 2}])
    eventually(lambda: wire.call("GET", f"/tasks/{gone}").status == 404, what="the task vanishes")
    assert wire.ids("a") == [2]


def test_a_restart_from_an_older_snapshot_gives_uids_again(engine: EmbeddedEngine, wire: Wire) -> None:
    wire.done(wire.add("a", [{"id": 1}]))
    token = engine.snapshot()
    lost = wire.add("a", [{"id": 2}])
    wire.done(lost)
    engine.restore(token)
    assert wire.ids("a") == [1]
    assert wire.call("GET", f"/tasks/{lost}").refusal == (404, "task_not_found")
    assert wire.add("a", [{"id": 3}]) == lost


def test_an_unknown_fault_is_refused_with_what_there_is(engine: EmbeddedEngine) -> None:
    with pytest.raises(ValueError, match="unknown fault 'doggo'; one of refuse"):
        engine.faults.add("doggo")
    with pytest.raises(ValueError, match=r"option .seconds. of fault .slow. is a float"):
        engine.faults.add("slow", seconds="long")
    with pytest.raises(ValueError, match="has no option doggo"):
        engine.faults.add("hang", doggo=1)


def test_the_local_route_sets_and_ends_faults(from_outside: Wire) -> None:
    made = from_outside.call("POST", "/_faults", {"kind": "refuse", "path": "/indexes"})
    assert made.status == 201
    assert from_outside.call("GET", "/indexes").status == 503
    assert [fault["hits"] for fault in from_outside.get("/_faults")["results"]] == [1]
    assert from_outside.call("DELETE", f"/_faults/{made.json['number']}").status == 204
    assert from_outside.call("GET", "/indexes").status == 200
    assert from_outside.call("POST", "/_faults", {"kind": "doggo"}).refusal == (400, "bad_request")
    assert from_outside.call("DELETE", "/_faults").status == 204


def test_the_local_route_is_not_there_unasked(wire: Wire) -> None:
    assert wire.call("GET", "/_faults").status == 404
