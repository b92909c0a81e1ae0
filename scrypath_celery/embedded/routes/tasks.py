"""Tasks and batches: list, show, cancel, delete."""

from __future__ import annotations

from typing import Any

from ..call import Answer, Call, answer
from ..core import Core
from ..parameters import FILTERS, PAGING, U32, selection
from ..refusal import Refusal
from ..selection import Selection
from .indexes import accepted
from .route import Route


def _list(core: Core, call: Call) -> Answer:
    call.only(*PAGING, *FILTERS)
    wanted = selection(call.query)
    with core.database.lock:
        found, total = core.queue.page(wanted)
    # What belongs to no index is left out of lists by index, and of what an index-scoped key sees - but is counted.
    seen = [
        task.view()
        for task in found
        if call.access.reaches(task.index) and not (task.index is None and wanted.indexes is not None)
    ]
    return _page(seen, total, wanted)


def _list_batches(core: Core, call: Call) -> Answer:
    call.only(*PAGING, *FILTERS)
    wanted = selection(call.query)
    with core.database.lock:
        found, total = core.batches.page(wanted)
    seen = [
        batch for batch in found if call.access.everywhere or any(map(call.access.reaches, batch["stats"]["indexUids"]))
    ]
    return _page(seen, total, wanted)


def _page(seen: list[dict[str, Any]], total: int, wanted: Selection) -> Answer:
    following = seen[wanted.limit]["uid"] if len(seen) > wanted.limit else None
    page = seen[: wanted.limit]
    first = page[0]["uid"] if page else None
    return answer({"results": page, "total": total, "limit": wanted.limit, "from": first, "next": following})


def _uid(text: str, code: str) -> int:
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20 or int(digits) > U32:
        raise Refusal(code, f"Invalid value in parameter `uid`: could not parse `{text}` as a positive integer")
    return int(digits)


def _show(core: Core, call: Call) -> Answer:
    uid = _uid(call.places["task"], "invalid_task_uids")
    task = core.queue.get(uid)
    if task is None or not call.access.reaches(task.index):
        raise Refusal("task_not_found", f"Task `{uid}` not found.")
    return answer(task.view())


def _show_batch(core: Core, call: Call) -> Answer:
    uid = _uid(call.places["batch"], "invalid_batch_uids")
    batch = core.batches.get(uid)
    if batch is None or not (call.access.everywhere or any(map(call.access.reaches, batch["stats"]["indexUids"]))):
        raise Refusal("batch_not_found", f"Batch `{uid}` not found.")
    return answer(batch)


def _cancel(core: Core, call: Call) -> Answer:
    return _about_tasks(core, call, "taskCancelation", "canceledTasks")


def _delete(core: Core, call: Call) -> Answer:
    return _about_tasks(core, call, "taskDeletion", "deletedTasks")


def _about_tasks(core: Core, call: Call, kind: str, counter: str) -> Answer:
    call.only(*FILTERS)
    wanted = selection(call.query)
    if not call.query:
        word = "task cancelation" if kind == "taskCancelation" else "task deletion"
        listed = ", ".join(f"`{name}`" for name in FILTERS)
        text = f"Query parameters to filter the tasks to {word} are missing. Available query parameters are: {listed}."
        raise Refusal("missing_task_filters", text)
    with core.database.lock:
        uids = core.queue.uids(wanted)
        if not call.access.everywhere:
            uids = [task.uid for task in core.queue.of_uids(uids) if call.access.reaches(task.index)]
        details = {"matchedTasks": len(uids), counter: None, "originalFilter": f"?{call.raw_query}"}
        task = core.queue.register(kind, None, content={"uids": uids}, details=details)
        running = {one.uid for one in core.queue.processing()} if kind == "taskCancelation" else set()
        if running & set(uids):
            core.scheduler.abandon()
    return accepted(core, task, 200)


ROUTES = (
    Route("GET", "/tasks", _list, "tasks.get", slow=True),
    Route("DELETE", "/tasks", _delete, "tasks.delete", slow=True),
    Route("POST", "/tasks/cancel", _cancel, "tasks.cancel", slow=True),
    Route("GET", "/tasks/{task}", _show, "tasks.get"),
    Route("GET", "/batches", _list_batches, "tasks.get", slow=True),
    Route("GET", "/batches/{batch}", _show_batch, "tasks.get"),
)
