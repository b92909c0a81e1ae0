"""Webhooks: kept, shown, never sent."""

from __future__ import annotations

from ..call import Answer, Call, answer
from ..core import Core
from .route import Route


def _list(core: Core, _call: Call) -> Answer:
    return answer({"results": core.webhooks.all()})


def _create(core: Core, call: Call) -> Answer:
    return answer(core.webhooks.create(call.json()), 201)


def _show(core: Core, call: Call) -> Answer:
    return answer(core.webhooks.get(call.places["webhook"]))


def _update(core: Core, call: Call) -> Answer:
    return answer(core.webhooks.update(call.places["webhook"], call.json()))


def _delete(core: Core, call: Call) -> Answer:
    core.webhooks.delete(call.places["webhook"])
    return Answer(204, None)


ROUTES = (
    Route("GET", "/webhooks", _list, "webhooks.get"),
    Route("POST", "/webhooks", _create, "webhooks.create"),
    Route("GET", "/webhooks/{webhook}", _show, "webhooks.get"),
    Route("PATCH", "/webhooks/{webhook}", _update, "webhooks.update"),
    Route("DELETE", "/webhooks/{webhook}", _delete, "webhooks.delete"),
)
