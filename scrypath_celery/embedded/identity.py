"""Primary keys and document ids: which field is the key, and which values are ids."""

from __future__ import annotations

import json
import re
from typing import Any

from .refusal import Refusal

_ID = re.compile(r"[A-Za-z0-9_-]{1,511}\Z")
_UID = re.compile(r"[A-Za-z0-9_-]{1,400}\Z")
_ABSENT = object()


def is_uid(text: str) -> bool:
    """Whether a text can be the name of an index."""
    return _UID.match(text) is not None


def check_uid(text: str, code: str = "invalid_index_uid") -> str:
    """`text`, the name of an index; Refusal with `code`."""
    if not is_uid(text):
        raise Refusal(
            code,
            f"`{text}` is not a valid index uid. Index uid can be an integer or a string containing only alphanumeric"
            " characters, hyphens (-) and underscores (_), and can not be more than 512 bytes.",
        )
    return text


def identity(value: Any) -> str | None:
    """The id that a JSON value stands for, as text, or None where it can be none; ids compare as texts."""
    if isinstance(value, str):
        return value if _ID.match(value) else None
    if isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**64:
        return str(value)
    return None


def guess(document: dict[str, Any], prefix: str) -> str:
    """The primary key that a first document suggests: its one field whose name ends with `id`; Refusal."""
    found = sorted(name for name in document if name.lower().endswith("id"))
    failed = f"{prefix}The primary key inference failed as the engine"
    if not found:
        raise Refusal(
            "index_primary_key_no_candidate_found",
            f"{failed} did not find any field ending with `id` in its"
            " name. Please specify the primary key manually using the `primaryKey` query parameter.",
        )
    if len(found) > 1:
        raise Refusal(
            "index_primary_key_multiple_candidates_found",
            f"{failed} found {len(found)} fields ending with `id` in their"
            f" names: '{found[0]}' and '{found[1]}'. Please specify the primary key manually using the `primaryKey`"
            " query parameter.",
        )
    return found[0]


def of_document(document: dict[str, Any], key: str, prefix: str) -> str:
    """The id of a document; Refusal `missing_document_id` or `invalid_document_id`."""
    value = document.get(key, _ABSENT)
    if value is _ABSENT and "." in key:
        found = _nested(document, key)
        if len(found) > 1:
            raise Refusal(
                "invalid_document_id",
                f"{prefix}Document have too many matching `{key}` attribute: `{_short(document)}`.",
            )
        value = found[0] if found else _ABSENT
    if value is _ABSENT:
        raise Refusal(
            "missing_document_id", f"{prefix}Document doesn't have a `{key}` attribute: `{_short(document)}`."
        )
    found_id = identity(value)
    if found_id is None:
        raise Refusal(
            "invalid_document_id",
            f"{prefix}Document identifier `{_short(value)}` is invalid. A document identifier can be of type integer or"
            " string, only composed of alphanumeric characters (a-z A-Z 0-9), hyphens (-) and underscores (_), and can"
            " not be more than 511 bytes.",
        )
    return found_id


def _nested(value: Any, path: str) -> list[Any]:
    """All values that a dotted path leads to; a name may itself hold dots, and arrays are looked into."""
    if isinstance(value, list):
        return [found for one in value for found in _nested(one, path)]
    if not isinstance(value, dict):
        return []
    found: list[Any] = []
    for name, inner in value.items():
        if name == path:
            found += inner if isinstance(inner, list) else [inner]
        elif path.startswith(f"{name}."):
            found += _nested(inner, path[len(name) + 1 :])
    return found


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
