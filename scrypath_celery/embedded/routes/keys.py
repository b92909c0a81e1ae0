"""API keys."""

from __future__ import annotations

from ..call import Answer, Call, answer
from ..core import Core
from ..parameters import number
from .route import Route


def _list(core: Core, call: Call) -> Answer:
    call.only("offset", "limit")
    offset = number(call.query, "offset", 0, "invalid_api_key_offset")
    limit = number(call.query, "limit", 20, "invalid_api_key_limit")
    found = core.keys.all()
    page = [core.keys.view(key) for key in found[offset : offset + limit]]
    return answer({"results": page, "offset": offset, "limit": limit, "total": len(found)})


def _create(core: Core, call: Call) -> Answer:
    return answer(core.keys.view(core.keys.create(call.json())), 201)


def _show(core: Core, call: Call) -> Answer:
    return answer(core.keys.view(core.keys.get(call.places["key"])))


def _update(core: Core, call: Call) -> Answer:
    return answer(core.keys.view(core.keys.update(call.places["key"], call.json())))


def _delete(core: Core, call: Call) -> Answer:
    core.keys.delete(call.places["key"])
    return Answer(204, None)


ROUTES = (
    Route("GET", "/keys", _list, "keys.get"),
    Route("POST", "/keys", _create, "keys.create"),
    Route("GET", "/keys/{key}", _show, "keys.get"),
    Route("PATCH", "/keys/{key}", _update, "keys.update"),
    Route("DELETE", "/keys/{key}", _delete, "keys.delete"),
)
