"""Indexes: list, make, show, change, remove, swap, statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import values
from ..call import Answer, Call, answer
from ..catalogue import Index
from ..core import Core
from ..identity import check_uid
from ..parameters import flag, number
from ..refusal import Refusal
from ..task import Task
from .route import Route

_IMMUTABLE = {"createdAt": "created_at", "updatedAt": "updated_at"}


def uid_of(call: Call) -> str:
    """The name of the index in the path, valid and within the sender's reach; Refusal."""
    uid = check_uid(call.places["index"])
    call.access.require(uid)
    return uid


def accepted(core: Core, task: Task, status: int = 202) -> Answer:
    """The answer to a request that made a task."""
    core.scheduler.nudge()
    return answer(task.summary(), status)


def _list(core: Core, call: Call) -> Answer:
    call.only("offset", "limit")
    offset = number(call.query, "offset", 0, "invalid_index_offset")
    limit = number(call.query, "limit", 20, "invalid_index_limit")
    reach = [index for index in core.catalogue.all() if call.access.reaches(index.uid)]
    page = [index.view() for index in reach[offset : offset + limit]]
    return answer({"results": page, "offset": offset, "limit": limit, "total": len(reach)})


def _create(core: Core, call: Call) -> Answer:
    body = values.object_of(call.json(), ("uid", "primaryKey"))
    if "uid" not in body:
        raise Refusal("missing_index_uid", "Missing field `uid`")
    uid = check_uid(values.text(body["uid"], ".uid", "invalid_index_uid"))
    key = values.optional(values.text)(body.get("primaryKey"), ".primaryKey", "invalid_index_primary_key")
    call.access.require(uid)
    task = core.queue.register("indexCreation", uid, content={"key": key}, details={"primaryKey": key})
    return accepted(core, task)


def _show(core: Core, call: Call) -> Answer:
    return answer(core.catalogue.get(uid_of(call)).view())


def _update(core: Core, call: Call) -> Answer:
    uid = uid_of(call)
    body = call.json()
    if isinstance(body, dict):
        for field in body:
            if field in _IMMUTABLE:
                text = f"Immutable field `{field}`: expected one of `primaryKey`, `uid`"
                raise Refusal(f"immutable_index_{_IMMUTABLE[field]}", text)
    body = values.object_of(body, ("primaryKey", "uid"))
    key = values.optional(values.text)(body.get("primaryKey"), ".primaryKey", "invalid_index_primary_key")
    name = values.optional(values.text)(body.get("uid"), ".uid", "invalid_index_uid")
    details: dict[str, Any] = {"primaryKey": key}
    if name is not None:
        check_uid(name)
        call.access.require(name)
        details |= {"oldIndexUid": uid, "newIndexUid": name}
    mentions = None if name is None else [uid, name]
    task = core.queue.register(
        "indexUpdate", uid, content={"key": key, "uid": name}, details=details, mentions=mentions
    )
    return accepted(core, task)


def _delete(core: Core, call: Call) -> Answer:
    uid = uid_of(call)
    return accepted(core, core.queue.register("indexDeletion", uid, content={}, details={"deletedDocuments": None}))


def _swap(core: Core, call: Call) -> Answer:
    body = call.json()
    if not isinstance(body, list):
        raise values.wrong(body, "", "bad_request", "an array")
    swaps = [_one_swap(one, f"[{place}]") for place, one in enumerate(body)]
    names = [name for swap in swaps for name in swap["indexes"]]
    for name in names:
        call.access.require(name)
        if names.count(name) > 1:
            text = f"Indexes must be declared only once during a swap. `{name}` was specified several times."
            raise Refusal("invalid_swap_duplicate_index_found", text)
    task = core.queue.register("indexSwap", None, content={"swaps": swaps}, details={"swaps": swaps}, mentions=names)
    return accepted(core, task)


def _one_swap(one: Any, place: str) -> dict[str, Any]:
    if not isinstance(one, dict):
        raise values.wrong(one, place, "bad_request", "an object")
    for field in one:
        if field not in ("indexes", "rename"):
            raise values.unknown(field, ["indexes", "rename"], place=place)
    if "indexes" not in one:
        raise Refusal("missing_swap_indexes", f"Missing field `indexes` inside `{place}`")
    code = "invalid_swap_indexes"
    names = values.many(values.text)(one["indexes"], f"{place}.indexes", code)
    for name in names:
        check_uid(name, code)
    if len(names) != 2:
        raise Refusal(
            code, f"Two indexes must be given for each swap. The list `{names}` contains {len(names)} indexes."
        )
    return {
        "indexes": names,
        "rename": values.boolean(one.get("rename", False), f"{place}.rename", "invalid_swap_rename"),
    }


def _stats(core: Core, call: Call) -> Answer:
    shape = _shape(call)
    return answer(_stats_of(core, core.catalogue.get(uid_of(call)), shape))


def _all_stats(core: Core, call: Call) -> Answer:
    shape = _shape(call)
    reach = [index for index in core.catalogue.all() if call.access.reaches(index.uid)]
    row = core.database.one("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
    size = shape.size(int(row[0]) if row else 0)
    return answer(
        {
            "databaseSize": size,
            "usedDatabaseSize": size,
            "lastUpdate": max((index.updated_at for index in reach), default=None),
            "indexes": {index.uid: _stats_of(core, index, shape) for index in reach},
        }
    )


@dataclass(frozen=True, slots=True)
class _Shape:
    """How statistics are told: with the sizes inside or not, for people or not."""

    inside: bool
    human: bool

    def size(self, count: int) -> int | str:
        """A number of bytes."""
        if not self.human:
            return count
        unit = min(max(count.bit_length() - 1, 0) // 10, len(_UNITS) - 1)
        return f"{count / 1024**unit:.2f}".rstrip("0").rstrip(".") + f" {_UNITS[unit]}"


_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def _shape(call: Call) -> _Shape:
    call.only("showInternalDatabaseSizes", "sizeFormat")
    inside = flag(call.query, "showInternalDatabaseSizes", "invalid_stats_show_internal_database_sizes")
    size = call.query.get("sizeFormat", "raw")
    if size not in ("human", "raw"):
        text = f"Unknown value `{size}` for parameter `sizeFormat`: expected one of `human`, `raw`"
        raise Refusal("invalid_stats_size_format", text)
    return _Shape(inside, size == "human")


def _stats_of(core: Core, index: Index, shape: _Shape) -> dict[str, Any]:
    with core.database.lock:
        counts = core.documents.stats(index)
        indexing = core.queue.is_indexing(index.uid)
    size = counts["rawDocumentDbSize"]
    return {
        "numberOfDocuments": counts["numberOfDocuments"],
        "rawDocumentDbSize": shape.size(size),
        "avgDocumentSize": shape.size(counts["avgDocumentSize"]),
        "isIndexing": indexing,
        # All that there is of an index is its documents; what searches need is derived from them.
        **({"internalDatabaseSizes": {"documents": shape.size(size)}} if shape.inside else {}),
        "numberOfEmbeddings": 0,
        "numberOfEmbeddedDocuments": 0,
        "fieldDistribution": counts["fieldDistribution"],
    }


ROUTES = (
    Route("GET", "/indexes", _list, "indexes.get"),
    Route("POST", "/indexes", _create, "indexes.create"),
    Route("GET", "/indexes/{index}", _show, "indexes.get"),
    Route("PATCH", "/indexes/{index}", _update, "indexes.update"),
    Route("DELETE", "/indexes/{index}", _delete, "indexes.delete"),
    Route("GET", "/indexes/{index}/stats", _stats, "stats.get", slow=True),
    Route("GET", "/stats", _all_stats, "stats.get", slow=True),
    Route("POST", "/swap-indexes", _swap, "indexes.swap"),
)
