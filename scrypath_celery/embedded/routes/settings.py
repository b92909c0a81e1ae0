"""Settings: the whole object and one sub-route for each key."""

from __future__ import annotations

from typing import Any

from ..call import Answer, Call, answer
from ..core import Core
from ..settings import RESET
from ..settings_rules import PATCHED, PATHS, all_checked, checked, shown
from .indexes import accepted, uid_of
from .route import Handler, Route

_BASE = "/indexes/{index}/settings"


def _show(core: Core, call: Call) -> Answer:
    return answer(core.catalogue.get(uid_of(call)).settings)


def _update(core: Core, call: Call) -> Answer:
    uid = uid_of(call)
    return _register(core, call, uid, all_checked(call.json()), reset=False)


def _reset(core: Core, call: Call) -> Answer:
    return _register(core, call, uid_of(call), dict.fromkeys(RESET), reset=True)


def _register(core: Core, call: Call, uid: str, sent: dict[str, Any], *, reset: bool) -> Answer:
    wish = {"settings": sent, "creates": not reset and call.access.may("indexes.create")}
    return accepted(core, core.queue.register("settingsUpdate", uid, content=wish, details=shown(sent)))


def _one(key: str, method: str) -> Handler:
    def show(core: Core, call: Call) -> Answer:
        return answer(core.catalogue.get(uid_of(call)).settings.get(key))

    def update(core: Core, call: Call) -> Answer:
        uid = uid_of(call)
        return _register(core, call, uid, {key: checked(key, call.json(), "")}, reset=False)

    def reset(core: Core, call: Call) -> Answer:
        return _register(core, call, uid_of(call), {key: None}, reset=True)

    return {"GET": show, "DELETE": reset}.get(method, update)


def _sub_routes() -> list[Route]:
    routes = []
    for key, path in PATHS.items():
        for method in ("GET", "DELETE", "PATCH" if key in PATCHED else "PUT"):
            action = "settings.get" if method == "GET" else "settings.update"
            routes.append(Route(method, f"{_BASE}/{path}", _one(key, method), action))
    return routes


ROUTES = (
    Route("GET", _BASE, _show, "settings.get"),
    Route("PATCH", _BASE, _update, "settings.update"),
    Route("DELETE", _BASE, _reset, "settings.update"),
    *_sub_routes(),
)
