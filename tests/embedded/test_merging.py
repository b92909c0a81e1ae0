"""Which waiting tasks run together, and who fails with whom."""

from __future__ import annotations

import pytest

from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.embedded.autobatch import SIZE_LIMIT, Waiting, plan
from tests.deadline import eventually
from tests.embedded.wire import Wire

ADD = Waiting(0, "add", creates=True)
KEYED = Waiting(0, "add", creates=True, primary_key="id")
POOR = Waiting(0, "add", creates=False)
DELETE = Waiting(0, "delete")
BY_FILTER = Waiting(0, "deleteByFilter")
CLEAR = Waiting(0, "clear")
SETTINGS = Waiting(0, "settings", creates=True)
DROP = Waiting(0, "indexDeletion")
UPDATE = Waiting(0, "indexUpdate")
SWAP = Waiting(0, "indexSwap")
LARGE = Waiting(0, "add", creates=True, size=SIZE_LIMIT - 1)


@pytest.mark.parametrize(
    ("waiting", "kind", "taken"),
    [
        ([ADD, ADD, DELETE, ADD], "documents", 4),
        ([ADD, BY_FILTER], "documents", 1),
        ([BY_FILTER, ADD, DELETE], "documents", 3),
        ([DELETE, BY_FILTER], "deletions", 2),
        ([SETTINGS, SETTINGS], "settings", 2),
        ([SETTINGS, ADD], "settings", 1),
        ([ADD, SETTINGS], "documents", 1),
        ([ADD, CLEAR], "clear", 2),
        ([CLEAR, ADD], "clear", 1),
        ([CLEAR, DELETE, CLEAR], "clear", 3),
        ([SETTINGS, CLEAR, SETTINGS], "clearAndSettings", 3),
        ([ADD, SETTINGS, DROP], "documents", 1),
        ([ADD, DROP, ADD], "indexDeletion", 2),
        ([SETTINGS, DROP], "indexDeletion", 2),
        ([ADD, UPDATE, ADD], "documents", 1),
        ([UPDATE, ADD], "indexUpdate", 1),
        ([ADD, SWAP], "documents", 1),
        ([SWAP, SWAP], "indexSwap", 1),
        ([ADD, LARGE, Waiting(0, "add", creates=True, size=2)], "documents", 2),
        ([Waiting(0, "add", creates=True, size=2 * SIZE_LIMIT), ADD], "documents", 1),
    ],
)
def test_tasks_of_an_index_that_exists_merge(waiting: list[Waiting], kind: str, taken: int) -> None:
    found = plan(waiting, index_exists=True, index_key="id")
    assert (found.kind, len(found.tasks)) == (kind, taken)


@pytest.mark.parametrize(
    ("waiting", "kind", "taken"),
    [
        ([DELETE, ADD], "deletions", 1),
        ([POOR, ADD], "documents", 1),
        ([ADD, POOR], "documents", 2),
        ([ADD, KEYED], "documents", 1),
        ([KEYED, KEYED, DELETE, KEYED], "documents", 4),
    ],
)
def test_tasks_of_a_missing_index_merge_less(waiting: list[Waiting], kind: str, taken: int) -> None:
    found = plan(waiting, index_exists=False, index_key=None)
    assert (found.kind, len(found.tasks)) == (kind, taken)


def test_another_primary_key_than_the_index_has_stops_a_batch() -> None:
    other = Waiting(1, "add", creates=True, primary_key="other")
    assert len(plan([KEYED, other, KEYED], index_exists=True, index_key="id").tasks) == 1
    assert len(plan([other, KEYED], index_exists=True, index_key="id").tasks) == 1


def _merged(engine: EmbeddedEngine, wire: Wire, index: str, payloads: list[object]) -> list[dict[str, object]]:
    """Post payloads so that they run in one batch, and return their tasks."""
    engine.freeze()
    uids = [wire.add(index, payload) for payload in payloads]
    engine.thaw()
    tasks = [wire.over(uid) for uid in uids]
    assert len({task["batchUid"] for task in tasks}) == 1
    return tasks


def test_a_bad_id_fails_its_own_payload_alone(engine: EmbeddedEngine, wire: Wire) -> None:
    tasks = _merged(engine, wire, "a", [[{"id": 1}], [{"id": 2}, {"id": "no id"}], [{"id": 3}]])
    assert [task["status"] for task in tasks] == ["succeeded", "failed", "succeeded"]
    assert wire.ids("a") == [1, 3]


def test_bad_geo_fails_every_payload_of_the_batch(engine: EmbeddedEngine, wire: Wire) -> None:
    wire.done(wire.call("PUT", "/indexes/a/settings/filterable-attributes", ["_geo"]).json["taskUid"])
    tasks = _merged(engine, wire, "a", [[{"id": 1}], [{"id": 2, "_geo": "nonsense"}], [{"id": 3}]])
    assert {(task["status"], task["error"]["code"]) for task in tasks} == {("failed", "invalid_document_geo_field")}  # type: ignore[index]
    assert wire.get(f"/batches/{tasks[0]['batchUid']}")["stats"]["status"] == {"failed": 3}
    assert wire.done(wire.add("a", [{"id": 1}]))["details"] == {"receivedDocuments": 1, "indexedDocuments": 1}


def test_a_clear_swallows_the_additions_before_it(engine: EmbeddedEngine, wire: Wire) -> None:
    wire.done(wire.add("a", [{"id": 1}]))
    engine.freeze()
    added = wire.add("a", [{"id": "not good"}])
    cleared = wire.call("DELETE", "/indexes/a/documents").json["taskUid"]
    engine.thaw()
    assert wire.done(added)["details"] == {"receivedDocuments": 1, "indexedDocuments": None}
    assert wire.done(cleared)["details"] == {"deletedDocuments": 1}


def test_one_index_runs_in_order_and_overtakes_another(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.freeze()
    uids = [wire.add(index, [{"id": 1, "n": n}]) for n, index in enumerate(["a", "b", "a"])]
    engine.thaw()
    first, second, third = (wire.done(uid) for uid in uids)
    assert first["batchUid"] == third["batchUid"] < second["batchUid"]
    assert wire.get("/indexes/a/documents/1") == {"id": 1, "n": 2}


def test_an_update_that_changes_nothing_parts_batches(engine: EmbeddedEngine, wire: Wire) -> None:
    wire.done(wire.add("a", [{"id": 0}]))
    engine.freeze()
    before = wire.add("a", [{"id": 1}])
    barrier = wire.call("PATCH", "/indexes/a", {"primaryKey": "id"}).json["taskUid"]
    after = wire.add("a", [{"id": 2}])
    engine.thaw()
    assert len({wire.done(uid)["batchUid"] for uid in (before, barrier, after)}) == 3
    assert wire.get(f"/tasks?batchUids={wire.done(after)['batchUid']}&limit=2")["total"] == 1


def test_the_first_of_a_burst_runs_alone_and_the_rest_together(engine: EmbeddedEngine, wire: Wire) -> None:
    hanging = engine.faults.add("hang_task", count=1)
    first = wire.add("a", [{"id": 0}])
    eventually(lambda: hanging.hits, what="the first one runs")
    rest = [wire.add("a", [{"id": number}]) for number in range(1, 6)]
    hanging.remove()
    batches = [wire.done(uid)["batchUid"] for uid in [first, *rest]]
    assert len(set(batches)) == 2
    assert len(set(batches[1:])) == 1


def test_deletions_beside_additions_count_the_ids_that_were_given(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.freeze()
    wire.add("a", [{"id": 1}])
    uid = wire.call("POST", "/indexes/a/documents/delete-batch", [1, "1", 7]).json["taskUid"]
    engine.thaw()
    assert wire.done(uid)["details"]["deletedDocuments"] == 2
    alone = wire.call("POST", "/indexes/a/documents/delete-batch", [1, 7]).json["taskUid"]
    assert wire.done(alone)["details"]["deletedDocuments"] == 0


def test_each_document_of_a_batch_adds_to_its_cost() -> None:
    with EmbeddedEngine(batch_cost=0.01, document_cost=0.01) as engine:
        wire = Wire(engine.url)
        task = wire.done(wire.add("a", [{"id": id} for id in range(5)]))
        assert "PT0.060000000S" <= task["duration"] < "PT1S"
        wire.close()


def test_a_batch_has_its_cost() -> None:
    with EmbeddedEngine(batch_cost=0.05) as engine:
        wire = Wire(engine.url)
        task = wire.done(wire.add("a", [{"id": 1}]))
        assert task["duration"] >= "PT0.050000000S"
        wire.close()
