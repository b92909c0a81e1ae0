"""Format 1 of playbooks: what a file may say. Unknown keys are refused at every level, and nothing is clamped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .options import SEARCH, entry_faults, is_whole, shared_faults
from .playbook import Fault

FORMAT = 1
MODES = ("search", "search_many")
MAX_TITLE, MAX_DESCRIPTION, MAX_TAG = 200, 2_000, 64
"""Bytes in UTF-8."""
MAX_TAGS = 20
MAX_ENTRIES = 10
ALL = ":all"

COMMON = ("playbook_format", "mode", "opts", "title", "description", "tags")
KEYS: Mapping[str, tuple[str, ...]] = {"search": (*COMMON, "schema", "q"), "search_many": (*COMMON, "entries")}
"""The keys of a file, by its mode."""

SECRETS = frozenset(
    {
        "api_key",
        "authorization",
        "backend",
        "client",
        "client_options",
        "headers",
        "http_options",
        "index_prefix",
        "master_key",
        "meilisearch_api_key",
        "meilisearch_master_key",
        "meilisearch_url",
        "password",
        "req_options",
        "request_options",
        "secret",
        "sync_mode",
    }
)
"""Keys that name secrets or how requests are made; they are refused wherever they stand."""


def faults(document: Any) -> list[Fault]:
    """Everything that is wrong with a document; empty where it is a playbook."""
    if not isinstance(document, Mapping):
        return [Fault(place="", reason="must be one JSON object")]
    return [*_secrets(document, ""), *_document(document)]


def _document(document: Mapping[str, Any]) -> Iterator[Fault]:
    version = document.get("playbook_format")
    if not is_whole(version) or version != FORMAT:
        yield Fault(place="playbook_format", reason=f"must be {FORMAT}")
        return
    mode = document.get("mode")
    if mode not in MODES:
        yield Fault(place="mode", reason=f"must be one of {', '.join(MODES)}")
        return
    for key in document:
        if key not in KEYS[mode] and not is_secret(key):
            yield Fault(place=key, reason=f"unknown key of mode {mode}; it has {', '.join(KEYS[mode])}")
    yield from _about(document)
    opts = document.get("opts", {})
    if not isinstance(opts, Mapping):
        yield Fault(place="opts", reason="must be an object")
        opts = {}
    if mode == "search":
        yield from _search(document)
        yield from entry_faults(opts, "opts", SEARCH, is_secret)
    else:
        yield from _entries(document.get("entries"), opts)
        yield from shared_faults(opts, "opts", is_secret)


def is_secret(key: Any) -> bool:
    """Whether a key names a secret, or how requests are made."""
    return isinstance(key, str) and key.lower().replace("-", "_") in SECRETS


def _secrets(value: Any, place: str) -> Iterator[Fault]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            inner = f"{place}.{key}" if place else str(key)
            if is_secret(key):
                yield Fault(place=inner, reason="secrets and transport settings do not belong in a playbook")
            yield from _secrets(item, inner)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _secrets(item, f"{place}[{at}]")


def _about(document: Mapping[str, Any]) -> Iterator[Fault]:
    for key, most in (("title", MAX_TITLE), ("description", MAX_DESCRIPTION)):
        if key in document and not _is_text(document[key], most):
            yield Fault(place=key, reason=f"must be text of at most {most} bytes")
    tags = document.get("tags", [])
    if not isinstance(tags, list) or len(tags) > MAX_TAGS:
        yield Fault(place="tags", reason=f"must be a list of at most {MAX_TAGS} tags")
        return
    for at, tag in enumerate(tags):
        if not _is_text(tag, MAX_TAG) or not tag:
            yield Fault(place=f"tags[{at}]", reason=f"must be text of 1 to {MAX_TAG} bytes")


def _search(document: Mapping[str, Any]) -> Iterator[Fault]:
    schema = document.get("schema")
    if not isinstance(schema, str) or not schema or schema == ALL:
        yield Fault(place="schema", reason="must name one schema")
    if not isinstance(document.get("q"), str):
        yield Fault(place="q", reason="must be text (empty for everything)")


def _entries(entries: Any, opts: Mapping[str, Any]) -> Iterator[Fault]:
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_ENTRIES:
        yield Fault(place="entries", reason=f"must be a list of 1 to {MAX_ENTRIES} entries")
        return
    for at, entry in enumerate(entries):
        place = f"entries[{at}]"
        if not isinstance(entry, list) or len(entry) != 3:
            yield Fault(place=place, reason="must be exactly [schema, q, opts]")
            continue
        schema, q, own = entry
        if not isinstance(schema, str) or not schema:
            yield Fault(place=f"{place}[0]", reason=f"must name a schema, or be {ALL}")
        if schema == ALL and not opts.get("global_schemas"):
            yield Fault(place=f"{place}[0]", reason=f"{ALL} needs opts.global_schemas")
        if not isinstance(q, str):
            yield Fault(place=f"{place}[1]", reason="must be text (empty for everything)")
        if isinstance(own, Mapping):
            yield from entry_faults(own, f"{place}[2]", (*SEARCH, "federation_weight"), is_secret)
        else:
            yield Fault(place=f"{place}[2]", reason="must be an object")


def _is_text(value: Any, most: int) -> bool:
    return isinstance(value, str) and len(value.encode("utf-8", "surrogatepass")) <= most
