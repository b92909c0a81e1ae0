"""Documents: add, merge, remove, fetch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from .. import values
from ..call import Answer, Call
from ..core import Core
from ..identity import identity
from ..intake import FORMATS, documents
from ..parameters import flag, number
from ..refusal import Refusal
from ..search import check_filter
from ..selector import picked
from .indexes import accepted, uid_of
from .route import Route

_FETCH = ("offset", "limit", "fields", "retrieveVectors", "ids", "filter", "sort")
_FILTER = "invalid_document_filter"


def _write(core: Core, call: Call) -> Answer:
    call.only("primaryKey", "csvDelimiter", "customMetadata", "skipCreation")
    delimiter = call.query.get("csvDelimiter")
    skip = flag(call.query, "skipCreation", "invalid_skip_creation")
    if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii()):
        text = f"Invalid value in parameter `csvDelimiter`: expected one ASCII character, but found `{delimiter}`"
        raise Refusal("invalid_document_csv_delimiter", text)
    uid = uid_of(call)
    form = FORMATS[call.content_type(*FORMATS)]
    if delimiter is not None and form != "csv":
        text = f"The Content-Type `{call.headers['Content-Type']}` does not support the use of a csv delimiter."
        raise Refusal(
            "invalid_content_type", f"{text} The csv delimiter can only be used with the Content-Type `text/csv`."
        )
    payload, count = documents(call.plain_body(), form, delimiter or ",")
    wish = {
        "replace": call.method == "POST",
        "key": call.query.get("primaryKey"),
        "creates": call.access.may("indexes.create"),
        "skip": skip,
    }
    task = core.queue.register(
        "documentAdditionOrUpdate",
        uid,
        content=wish,
        details={"receivedDocuments": count, "indexedDocuments": None},
        metadata=call.query.get("customMetadata"),
        payload=payload,
    )
    return accepted(core, task)


def _deletion(core: Core, call: Call, uid: str, content: dict[str, Any], details: dict[str, Any]) -> Answer:
    metadata = call.query.get("customMetadata")
    task = core.queue.register("documentDeletion", uid, content=content, details=details, metadata=metadata)
    return accepted(core, task)


def _delete_one(core: Core, call: Call) -> Answer:
    call.only("customMetadata")
    return _delete_ids(core, call, uid_of(call), [call.places["document"]])


def _delete_batch(core: Core, call: Call) -> Answer:
    call.only("customMetadata")
    uid = uid_of(call)
    body = call.json()
    if not isinstance(body, list):
        found = values.kind_of(body) if body is not None else "null"
        text = f"Json deserialize error: invalid type: {found}, expected a sequence at line 1 column 1"
        raise Refusal("bad_request", text)
    return _delete_ids(core, call, uid, [one if isinstance(one, str) else json.dumps(one) for one in body])


def _delete_ids(core: Core, call: Call, uid: str, ids: list[str]) -> Answer:
    details = {"providedIds": len(ids), "deletedDocuments": None, "originalFilter": None}
    return _deletion(core, call, uid, {"ids": ids}, details)


def _delete_all(core: Core, call: Call) -> Answer:
    call.only("customMetadata")
    return _deletion(core, call, uid_of(call), {"all": True}, {"deletedDocuments": None})


def _delete_by_filter(core: Core, call: Call) -> Answer:
    call.only("customMetadata")
    uid = uid_of(call)
    body = values.object_of(call.json(), ("filter",))
    if "filter" not in body:
        raise Refusal("missing_document_filter", "Missing field `filter`")
    wanted = body["filter"]
    if not isinstance(wanted, str | list):
        raise Refusal(_FILTER, f"Invalid syntax for the filter parameter: `expected String, Array, found: {wanted}`.")
    if not wanted or (isinstance(wanted, str) and not wanted.strip()):
        raise Refusal(_FILTER, "Sending an empty filter is forbidden.")
    check_filter(wanted, code=_FILTER)
    original = json.dumps(wanted, ensure_ascii=False, separators=(",", ":"))
    details = {"providedIds": 0, "deletedDocuments": None, "originalFilter": original}
    return _deletion(core, call, uid, {"filter": wanted}, details)


def _show(core: Core, call: Call) -> Answer:
    call.only("fields", "retrieveVectors")
    vectors = flag(call.query, "retrieveVectors", "invalid_document_retrieve_vectors")
    index = core.catalogue.get(uid_of(call))
    body = core.documents.body(index, call.places["document"])
    if body is None:
        raise Refusal("document_not_found", f"Document `{call.places['document']}` not found.")
    return Answer(200, _shaped(body, _fields_of(call.query), vectors))


def _fields_of(query: Mapping[str, str]) -> list[str] | None:
    """The fields that a query string names; None for all of them, as a star among them says."""
    fields = query["fields"].split(",") if "fields" in query else None
    return None if fields is None or "*" in fields else fields


def _list(core: Core, call: Call) -> Answer:
    call.only(*_FETCH)
    query = call.query
    ids = query.get("ids")
    wish = {
        "offset": number(query, "offset", 0, "invalid_document_offset"),
        "limit": number(query, "limit", 20, "invalid_document_limit"),
        "fields": _fields_of(query),
        "ids": None if ids is None else [_id(one, place) for place, one in enumerate(ids.split(",")) if one],
        "filter": _filter_of(query.get("filter")),
        "sort": None if query.get("sort") is None else _sort_of(query["sort"]),
        "vectors": flag(query, "retrieveVectors", "invalid_document_retrieve_vectors"),
    }
    return _fetched(core, uid_of(call), wish)


def _fetch(core: Core, call: Call) -> Answer:
    uid = uid_of(call)
    body = values.object_of(call.json(), _FETCH)
    texts = values.optional(values.many(values.text))
    ids = body.get("ids")
    if ids is not None and not isinstance(ids, list):
        raise values.wrong(ids, ".ids", "invalid_document_ids", "an array")
    vectors = body.get("retrieveVectors", False)
    wish = {
        "offset": values.natural(body.get("offset", 0), ".offset", "invalid_document_offset"),
        "limit": values.natural(body.get("limit", 20), ".limit", "invalid_document_limit"),
        "fields": texts(body.get("fields"), ".fields", "invalid_document_fields"),
        "ids": None if ids is None else [_id(one, place) for place, one in enumerate(ids)],
        "filter": body.get("filter"),
        "sort": texts(body.get("sort"), ".sort", "invalid_document_sort"),
        "vectors": values.boolean(vectors, ".retrieveVectors", "invalid_document_retrieve_vectors"),
    }
    return _fetched(core, uid, wish)


def _fetched(core: Core, uid: str, wish: dict[str, Any]) -> Answer:
    """One page of the documents that the wish names."""
    index = core.catalogue.get(uid)
    offset, limit, ids, sort = wish["offset"], wish["limit"], wish["ids"], wish["sort"]
    wanted = wish["filter"]
    if wanted is not None and not isinstance(wanted, str | list):
        raise Refusal(_FILTER, f"Invalid syntax for the filter parameter: `expected String, Array, found: {wanted}`.")
    if wanted is None and ids is None and not sort:
        with core.database.lock:
            total, page = core.documents.count(index), core.documents.page(index, offset, limit)
    else:
        if wanted:
            matching = core.searchables.use(uid, lambda one: one.select(wanted, code=_FILTER))
            ids = matching if ids is None else list(set(matching) & set(ids))
        found = core.documents.of_ids(index, ids) if ids is not None else dict(core.documents.each(index))
        names = list(found)
        if sort:
            code = "invalid_document_sort"
            names = core.searchables.use(uid, lambda one: one.order(names, sort, code=code, start=offset))
        else:
            names = names[offset:]
        total, page = len(found), [found[name] for name in names[:limit] if name in found]
    results = b",".join(_shaped(body, wish["fields"], wish["vectors"]) for body in page)
    return Answer(200, b'{"results":[%b],"offset":%d,"limit":%d,"total":%d}' % (results, offset, limit, total))


def _shaped(body: bytes, fields: list[str] | None, vectors: bool) -> bytes:
    """A document as it is answered: with the wanted fields, and with `_vectors` only where they are asked for."""
    if fields is None and not vectors and b'"_vectors"' not in body:
        return body
    document = orjson.loads(body)
    own = document.pop("_vectors", None)
    if vectors:
        document["_vectors"] = own if isinstance(own, dict) else {}
    return orjson.dumps(document if fields is None else picked(document, fields))


def _id(value: Any, place: int) -> str:
    found = identity(value)
    if found is None:
        raise Refusal(
            "invalid_document_ids",
            f"In `.ids[{place}]`: Document identifier `{json.dumps(value)}` is invalid. A document identifier can be of"
            " type integer or string, only composed of alphanumeric characters (a-z A-Z 0-9), hyphens (-) and"
            " underscores (_), and can not be more than 511 bytes.",
        )
    return found


def _filter_of(text: str | None) -> Any:
    """A filter in a query string: JSON where it is a JSON array, else the text itself."""
    if text is None or not text.lstrip().startswith("["):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _sort_of(text: str) -> list[str]:
    """The criteria in a query string; commas inside `_geoPoint(...)` do not part them."""
    out: list[str] = []
    for part in text.split(","):
        if out and out[-1].count("(") > out[-1].count(")"):
            out[-1] += f",{part}"
        else:
            out.append(part)
    return out


ROUTES = (
    Route("POST", "/indexes/{index}/documents", _write, "documents.add"),
    Route("PUT", "/indexes/{index}/documents", _write, "documents.add"),
    Route("GET", "/indexes/{index}/documents", _list, "documents.get", slow=True),
    Route("DELETE", "/indexes/{index}/documents", _delete_all, "documents.delete"),
    Route("POST", "/indexes/{index}/documents/delete-batch", _delete_batch, "documents.delete"),
    Route("POST", "/indexes/{index}/documents/delete", _delete_by_filter, "documents.delete"),
    Route("POST", "/indexes/{index}/documents/fetch", _fetch, "documents.get", slow=True),
    Route("GET", "/indexes/{index}/documents/{document}", _show, "documents.get"),
    Route("DELETE", "/indexes/{index}/documents/{document}", _delete_one, "documents.delete"),
)
