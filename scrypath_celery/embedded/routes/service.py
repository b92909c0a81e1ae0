"""Health, version, and - where asked for - the faults."""

from __future__ import annotations

from typing import Any

from .. import values
from ..call import Answer, Call, answer
from ..core import Core
from ..refusal import Refusal
from .route import Route

VERSION = "1.50.0"
"""The version of Meilisearch whose answers these are."""


def _health(_core: Core, _call: Call) -> Answer:
    return answer({"status": "available"})


def _version(_core: Core, _call: Call) -> Answer:
    return answer({"commitSha": "embedded", "commitDate": "2026-07-16T00:00:00.000000000Z", "pkgVersion": VERSION})


def _faults(core: Core, _call: Call) -> Answer:
    return answer({"results": [fault.view() for fault in core.faults.list()]})


def _add_fault(core: Core, call: Call) -> Answer:
    body: Any = call.json()
    if not isinstance(body, dict):
        raise values.wrong(body, "", "bad_request", "an object")
    try:
        fault = core.faults.add(**body)
    except (ValueError, TypeError) as exc:
        raise Refusal("bad_request", str(exc)) from exc
    return answer(fault.view(), 201)


def _clear_faults(core: Core, _call: Call) -> Answer:
    core.faults.clear()
    return Answer(204, None)


def _remove_fault(core: Core, call: Call) -> Answer:
    number = call.places["fault"]
    if not (number.isascii() and number.isdigit()) or not core.faults.remove(int(number[:18])):
        raise Refusal("bad_request", f"There is no fault `{number}`", status=404)
    return Answer(204, None)


ROUTES = (
    Route("GET", "/health", _health, None),
    Route("GET", "/version", _version, "version"),
)
FAULT_PATH = "/_faults"
# Run without the database's lock: a fault that strikes asks the database while it holds the lock of the faults.
FAULT_ROUTES = (
    Route("GET", FAULT_PATH, _faults, None, slow=True),
    Route("POST", FAULT_PATH, _add_fault, None, slow=True),
    Route("DELETE", FAULT_PATH, _clear_faults, None, slow=True),
    Route("DELETE", f"{FAULT_PATH}/{{fault}}", _remove_fault, None, slow=True),
)
