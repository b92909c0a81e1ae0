"""Documents at rest: their order, their fields, the counts of them."""

from __future__ import annotations

import pytest

from tests.embedded.wire import Wire


def test_a_new_document_takes_the_place_of_a_deleted_one(wire: Wire) -> None:
    wire.done(wire.add("a", [{"id": number} for number in range(5)]))
    wire.done(wire.call("POST", "/indexes/a/documents/delete-batch", [1, 3]).json["taskUid"])
    wire.done(wire.add("a", [{"id": "x"}, {"id": 0, "new": True}, {"id": "y"}, {"id": "z"}]))
    assert wire.ids("a") == [0, "x", 2, "y", 4, "z"]


def test_counts_follow_every_kind_of_change(wire: Wire) -> None:
    def counted() -> tuple[int, dict[str, int]]:
        stats = wire.get("/indexes/a/stats")
        return stats["numberOfDocuments"], stats["fieldDistribution"]

    wire.done(wire.add("a", [{"id": 1, "a": 1}, {"id": 2, "b": 1}]))
    assert counted() == (2, {"a": 1, "b": 1, "id": 2})
    wire.done(wire.call("PUT", "/indexes/a/documents", [{"id": 1, "b": 2}]).json["taskUid"])
    assert counted() == (2, {"a": 1, "b": 2, "id": 2})
    wire.done(wire.add("a", [{"id": 1}]))
    assert counted() == (2, {"b": 1, "id": 2})
    wire.done(wire.call("DELETE", "/indexes/a/documents/2").json["taskUid"])
    assert counted() == (1, {"id": 1})
    wire.done(wire.call("DELETE", "/indexes/a/documents").json["taskUid"])
    assert counted() == (0, {})
    assert wire.get("/stats")["indexes"]["a"]["numberOfDocuments"] == 0


def test_fetching_knows_no_upper_limit(wire: Wire) -> None:
    wire.done(wire.add("a", [{"id": number} for number in range(5_000)]))
    assert len(wire.get("/indexes/a/documents?limit=18446744073709551615")["results"]) == 5_000
    wish = {"ids": list(range(0, 5_000, 2)), "limit": 5_000}
    found = wire.call("POST", "/indexes/a/documents/fetch", wish).json
    assert (len(found["results"]), found["total"]) == (2_500, 2_500)


def test_vectors_are_shown_when_they_are_asked_for(wire: Wire) -> None:
    wire.done(wire.add("a", [{"id": 1, "_vectors": {"one": [0.1]}}, {"id": 2}]))
    assert wire.get("/indexes/a/documents")["results"] == [{"id": 1}, {"id": 2}]
    shown = wire.get("/indexes/a/documents?retrieveVectors=true")["results"]
    assert [one["_vectors"] for one in shown] == [{"one": [0.1]}, {}]


@pytest.mark.parametrize("path", ["//indexes//a//documents//", "/indexes/a/documents/"])
def test_slashes_too_many_are_forgiven(path: str, wire: Wire) -> None:
    wire.done(wire.add("a", [{"id": 1}]))
    assert wire.get(path)["total"] == 1


def test_a_search_sees_what_a_finished_task_wrote(wire: Wire) -> None:
    wire.done(wire.add("a", [{"id": 1, "title": "first"}, {"id": 2, "title": "second"}]))
    assert _hits(wire, "first") == [1]
    wire.done(wire.add("a", [{"id": 2, "title": "first too"}, {"id": 3, "title": "third"}]))
    assert _hits(wire, "first") == [1, 2]
    wire.done(wire.call("DELETE", "/indexes/a/documents/1").json["taskUid"])
    assert _hits(wire, "first") == [2]
    wire.done(wire.call("DELETE", "/indexes/a/documents").json["taskUid"])
    assert _hits(wire, "first") == []
    wire.done(wire.add("b", [{"id": 9, "title": "first of another"}]))
    wire.done(wire.call("POST", "/swap-indexes", [{"indexes": ["a", "b"]}]).json["taskUid"])
    assert _hits(wire, "first") == [9]


def _hits(wire: Wire, q: str) -> list[int]:
    hits = wire.call("POST", "/indexes/a/search", {"q": q}).json["hits"]
    return sorted(hit["id"] for hit in hits)
