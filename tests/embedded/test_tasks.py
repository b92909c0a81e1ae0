"""The life of tasks: waiting, running, canceled, deleted, rewritten by a swap."""

from __future__ import annotations

from typing import Any

from scrypath_celery.embedded import EmbeddedEngine
from tests.deadline import eventually
from tests.embedded.wire import Wire


def test_a_task_waits_while_the_scheduler_is_frozen(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.freeze()
    uid = wire.add("a", [{"id": 1}])
    task = wire.get(f"/tasks/{uid}")
    assert (task["status"], task["batchUid"], task["startedAt"]) == ("enqueued", None, None)
    assert task["details"] == {"receivedDocuments": 1, "indexedDocuments": None}
    engine.thaw()
    assert wire.done(uid)["details"]["indexedDocuments"] == 1


def test_a_task_that_runs_reads_as_processing(engine: EmbeddedEngine, wire: Wire) -> None:
    hanging = engine.faults.add("hang_task")
    uid = wire.add("a", [{"id": 1}])
    task = eventually(lambda: _of_status(wire, uid, "processing"), what="the task runs")
    assert task["startedAt"] is not None
    batch = wire.get(f"/batches/{task['batchUid']}")
    assert batch["finishedAt"] is None
    assert batch["progress"]["percentage"] == 0.0
    assert wire.get("/tasks?statuses=processing")["total"] == 1
    hanging.remove()
    wire.done(uid)


def test_a_running_batch_is_given_up_when_one_of_its_tasks_is_canceled(engine: EmbeddedEngine, wire: Wire) -> None:
    engine.freeze()
    engine.faults.add("hang_task", document="1", count=1)
    canceled, other = wire.add("a", [{"id": 1}]), wire.add("a", [{"id": 2}])
    engine.thaw()
    eventually(lambda: _of_status(wire, canceled, "processing"), what="the batch runs")
    by = wire.call("POST", f"/tasks/cancel?uids={canceled}").json["taskUid"]
    task = wire.over(canceled)
    assert (task["status"], task["canceledBy"], task["error"]) == ("canceled", by, None)
    assert task["details"]["indexedDocuments"] == 0
    assert wire.done(by)["details"] == {
        "matchedTasks": 1,
        "canceledTasks": 1,
        "originalFilter": f"?uids={canceled}",
    }
    wire.done(other)
    assert wire.ids("a") == [2]


def test_only_tasks_that_are_over_can_be_deleted(engine: EmbeddedEngine, wire: Wire) -> None:
    over = wire.add("a", [{"id": 1}])
    wire.done(over)
    engine.freeze()
    waiting = wire.add("a", [{"id": 2}])
    deletion = wire.call("DELETE", f"/tasks?uids={over},{waiting}").json["taskUid"]
    engine.thaw()
    assert wire.done(deletion)["details"]["deletedTasks"] == 1
    assert wire.call("GET", f"/tasks/{over}").refusal == (404, "task_not_found")
    wire.done(waiting)


def test_a_swap_rewrites_the_names_in_history(wire: Wire) -> None:
    before = [wire.add(index, [{"id": 1}]) for index in ("live", "new")]
    for uid in before:
        wire.done(uid)
    first = wire.call("POST", "/swap-indexes", [{"indexes": ["live", "new"]}]).json["taskUid"]
    wire.done(first)
    assert [wire.get(f"/tasks/{uid}")["indexUid"] for uid in before] == ["new", "live"]
    second = wire.call("POST", "/swap-indexes", [{"indexes": ["live", "new"]}]).json["taskUid"]
    wire.done(second)
    assert wire.get(f"/tasks/{first}")["details"]["swaps"][0]["indexes"] == ["new", "live"]


def test_a_task_after_a_swap_keeps_the_name_that_it_was_sent_with(engine: EmbeddedEngine, wire: Wire) -> None:
    for index in ("live", "new"):
        wire.done(wire.add(index, [{"id": index}]))
    engine.freeze()
    before = wire.add("live", [{"id": "before"}])
    swap = wire.call("POST", "/swap-indexes", [{"indexes": ["live", "new"]}]).json["taskUid"]
    after = wire.add("live", [{"id": "after"}])
    engine.thaw()
    wire.done(after)
    assert wire.ids("live") == ["new", "after"]
    assert wire.ids("new") == ["live", "before"]
    batches = {wire.done(uid)["batchUid"] for uid in (before, swap, after)}
    assert len(batches) == 3


def test_times_have_a_fraction_and_a_zone(wire: Wire) -> None:
    task = wire.done(wire.add("a", [{"id": 1}]))
    times = [task[name] for name in ("enqueuedAt", "startedAt", "finishedAt")]
    assert times == sorted(times)
    assert all(len(time) == 30 and time[19] == "." and time[-1] == "Z" for time in times)
    assert task["duration"].startswith("PT")


def test_four_thousand_uids_fit_into_a_query(wire: Wire) -> None:
    uids = ",".join(str(uid) for uid in range(10_000, 20_000))[:64_000].rpartition(",")[0]
    assert wire.call("GET", f"/tasks?uids={uids}").status == 200
    assert wire.call("GET", f"/tasks?uids={uids},{uids[:20_000]}").status == 400


def _of_status(wire: Wire, uid: int, status: str) -> dict[str, Any]:
    """The task, or nothing while it has another status."""
    task: dict[str, Any] = wire.get(f"/tasks/{uid}")
    return task if task["status"] == status else {}
