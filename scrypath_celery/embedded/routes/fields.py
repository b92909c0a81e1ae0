"""What an index makes of each of its fields: `POST /indexes/{uid}/fields`."""

from __future__ import annotations

from typing import Any

from .. import values
from ..call import Answer, Call, answer
from ..core import Core
from ..search import fits, names
from .indexes import uid_of
from .route import Route

_FLAGS = ("displayed", "searchable", "sortable", "distinct", "rankingRule", "filterable")
_FILTER = values.record(
    {"attributePatterns": values.many(values.text), **dict.fromkeys(_FLAGS, values.boolean)},
)


def _fields(core: Core, call: Call) -> Answer:
    uid = uid_of(call)
    body = values.object_of(call.json(), ("offset", "limit", "filter"))
    offset = values.natural(body.get("offset", 0), ".offset", "invalid_index_offset")
    limit = values.natural(body.get("limit", 20), ".limit", "invalid_index_limit")
    wanted = values.optional(_FILTER)(body.get("filter"), ".filter", "invalid_index_fields_filter") or {}
    index = core.catalogue.get(uid)
    known = core.searchables.use(uid, lambda one: one.field_names())
    found = [_field(name, index.settings) for name in sorted({*known, *index.fields})]
    found = [field for field in found if _fits(field, wanted)]
    page = found[offset : offset + limit]
    return answer({"results": page, "offset": offset, "limit": limit, "total": len(found)})


def _fits(field: dict[str, Any], wanted: dict[str, Any]) -> bool:
    patterns = wanted.get("attributePatterns")
    if patterns is not None and not _matches(field["name"], patterns):
        return False
    return all(field[flag]["enabled"] == wanted[flag] for flag in _FLAGS if flag in wanted)


def _field(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    rules = [rule for rule in settings["rankingRules"] if rule.rpartition(":")[0] == name]
    locales = [
        locale
        for one in settings["localizedAttributes"] or []
        if _matches(name, one["attributePatterns"])
        for locale in one["locales"]
    ]
    ranking: dict[str, Any] = {"enabled": bool(rules)}
    if rules:
        ranking["order"] = rules[0].rpartition(":")[2]
    return {
        "name": name,
        "displayed": {"enabled": _named(name, settings["displayedAttributes"])},
        "searchable": {"enabled": not _named(name, ["_geo"]) and _named(name, settings["searchableAttributes"])},
        "sortable": {"enabled": _named(name, settings["sortableAttributes"])},
        "distinct": {"enabled": name == settings["distinctAttribute"]},
        "rankingRule": ranking,
        "filterable": _filterable(name, settings),
        "localized": {"locales": locales},
    }


def _filterable(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    orders = settings["faceting"]["sortFacetValuesBy"]
    order = orders.get(name, orders["*"])
    for one in settings["filterableAttributes"]:
        if isinstance(one, str) and _named(name, [one]):
            return {"enabled": True, "sortBy": order, "facetSearch": True, "equality": True, "comparison": True}
        if isinstance(one, dict) and _matches(name, one["attributePatterns"]):
            by = one["features"]["filter"]
            return {"enabled": True, "sortBy": order, "facetSearch": one["features"]["facetSearch"], **by}
    return {"enabled": False, "sortBy": order, "facetSearch": False, "equality": False, "comparison": False}


def _named(name: str, attributes: list[str]) -> bool:
    """Whether attributes mean a field: by its name, or by that of what it lies in."""
    return any(one == "*" or names(one, name) for one in attributes)


def _matches(name: str, patterns: list[str]) -> bool:
    return any(fits(pattern, name) for pattern in patterns)


def _compact(core: Core, call: Call) -> Answer:
    call.only()
    index = core.catalogue.get(uid_of(call))
    details = {"preCompactionSize": None, "postCompactionSize": None}
    task = core.queue.register("indexCompaction", index.uid, content={}, details=details)
    core.scheduler.nudge()
    return answer(task.summary(), 202)


ROUTES = (
    Route("POST", "/indexes/{index}/fields", _fields, "indexes.get", slow=True),
    Route("POST", "/indexes/{index}/compact", _compact, "indexes.compact"),
)
