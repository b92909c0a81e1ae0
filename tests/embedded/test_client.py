"""The official client, unchanged: every method of `Client` and `Index` is walked, or named as out of scope.

With `MEILISEARCH_URL` (and `MEILISEARCH_API_KEY`, the master key) the walk goes over that engine instead.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator
from typing import Any

import meilisearch
import pytest
from meilisearch.errors import MeilisearchApiError
from meilisearch.index import Index

from scrypath_celery.embedded import EmbeddedEngine

_MASTER_KEY = "a-master-key-for-the-walk"
_DOCUMENTS = [
    {"id": n, "title": f"Keeper {n}", "genre": "drama" if n % 2 else "sea", "year": 1990 + n} for n in range(8)
]
_INDEX = "client-walk"

_CLIENT_OUT_OF_SCOPE = {
    "add_or_update_networks",
    "create_chat_completion",
    "create_dump",
    "create_snapshot",
    "create_webhook",
    "delete_dynamic_search_rule",
    "delete_webhook",
    "export",
    "get_all_networks",
    "get_chat_workspace_settings",
    "get_chat_workspaces",
    "get_dynamic_search_rule",
    "get_dynamic_search_rules",
    "get_webhook",
    "get_webhooks",
    "render_template",
    "update_chat_workspace_settings",
    "update_documents_by_function",
    "update_dynamic_search_rule",
    "update_experimental_features",
    "update_webhook",
}
_INDEX_OUT_OF_SCOPE = {
    "get_foreign_keys",
    "get_similar_documents",
    "reset_foreign_keys",
    "update_foreign_keys",
}
_SETTINGS: dict[str, Any] = {
    "ranking_rules": ["words", "typo"],
    "distinct_attribute": "title",
    "searchable_attributes": ["title", "genre"],
    "displayed_attributes": ["id", "title"],
    "stop_words": ["of", "the"],
    "synonyms": {"ocean": ["sea"]},
    "filterable_attributes": ["genre", "year"],
    "sortable_attributes": ["year"],
    "typo_tolerance": {"enabled": False},
    "pagination_settings": {"maxTotalHits": 7},
    "facet_search_settings": False,
    "faceting_settings": {"maxValuesPerFacet": 3},
    "dictionary": ["J. K."],
    "separator_tokens": ["|"],
    "non_separator_tokens": ["#"],
    "search_cutoff_ms": 150,
    "prefix_search": "disabled",
    "proximity_precision": "byAttribute",
    "localized_attributes": [{"attributePatterns": ["title"], "locales": ["fra"]}],
}


newest = pytest.mark.skipif(not hasattr(Index, "get_fields"), reason="a client of old lacks what is walked")


class _Walked:
    """A client or index that notes which of its methods were called."""

    def __init__(self, one: Any, walked: set[str]) -> None:
        self._one, self._walked = one, walked

    def __getattr__(self, name: str) -> Any:
        self._walked.add(name)
        return getattr(self._one, name)


@pytest.fixture(scope="module")
def client() -> Iterator[meilisearch.Client]:
    """The official client, with the master key."""
    if "MEILISEARCH_URL" in os.environ:
        yield meilisearch.Client(os.environ["MEILISEARCH_URL"], os.environ.get("MEILISEARCH_API_KEY"), timeout=30)
        return
    with EmbeddedEngine(master_key=_MASTER_KEY) as engine:
        yield meilisearch.Client(engine.url, _MASTER_KEY, timeout=30)


@pytest.fixture
def index(client: meilisearch.Client) -> Iterator[Index]:
    """An index with documents, filterable and sortable."""
    _done(client, client.index(_INDEX).add_documents(_DOCUMENTS, "id"))
    wishes = {"filterableAttributes": ["genre", "year"], "sortableAttributes": ["year"]}
    _done(client, client.index(_INDEX).update_settings(wishes))
    yield client.index(_INDEX)
    _done(client, client.delete_index(_INDEX))


def _done(client: Any, task: Any) -> Any:
    found = client.wait_for_task(task.task_uid, timeout_in_ms=30_000, interval_in_ms=5)
    assert found.status == "succeeded", found.error
    return found


def _methods(one: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(one, inspect.isfunction) if not name.startswith("_")}


@newest
def test_every_method_of_the_client_is_walked_or_named(client: meilisearch.Client, index: Index) -> None:
    walked: set[str] = set()
    walk: Any = _Walked(client, walked)
    _walk_service(walk)
    _walk_indexes(walk)
    _walk_searches(walk)
    _walk_tasks(walk)
    _walk_keys(walk)
    assert _methods(meilisearch.Client) - walked - _CLIENT_OUT_OF_SCOPE == set()
    assert walked & _CLIENT_OUT_OF_SCOPE == set()


def _walk_service(walk: Any) -> None:
    assert walk.health() == {"status": "available"}
    assert walk.is_healthy()
    assert walk.get_experimental_features()["containsFilter"] is False
    assert walk.get_version()["pkgVersion"] == walk.version()["pkgVersion"]
    assert walk.get_all_stats()["indexes"][_INDEX]["numberOfDocuments"] == 8


def _walk_indexes(walk: Any) -> None:
    _done(walk, walk.create_index("client-other", {"primaryKey": "sku"}))
    assert walk.get_index("client-other").primary_key == walk.get_raw_index("client-other")["primaryKey"] == "sku"
    assert {one.uid for one in walk.get_indexes({"limit": 1000})["results"]} >= {_INDEX, "client-other"}
    assert walk.get_raw_indexes({"limit": 1})["limit"] == 1
    _done(walk, walk.swap_indexes([{"indexes": [_INDEX, "client-other"]}]))
    assert walk.index("client-other").get_primary_key() == "id"
    _done(walk, walk.swap_indexes([{"indexes": [_INDEX, "client-other"]}]))
    _done(walk, walk.delete_index("client-other"))


def _walk_searches(walk: Any) -> None:
    queries = [{"indexUid": _INDEX, "q": "keeper"}, {"indexUid": _INDEX, "filter": "genre = sea"}]
    results = walk.multi_search(queries)["results"]
    assert [len(result["hits"]) for result in results] == [8, 4]
    assert len(walk.multi_search([{"indexUid": _INDEX}], {"limit": 3})["hits"]) == 3


def _walk_tasks(walk: Any) -> None:
    tasks = walk.get_tasks({"limit": "1"})
    uid = tasks.results[0].uid
    assert walk.get_task(uid).uid == uid
    batches = walk.get_batches({"limit": "1"})
    assert walk.get_batch(batches.results[0].uid).stats["totalNbTasks"] >= 1
    assert _done(walk, walk.cancel_tasks({"uids": [str(uid)]})).details["canceledTasks"] == 0
    assert _done(walk, walk.delete_tasks({"uids": [str(uid)]})).details["deletedTasks"] == 1


def _walk_keys(walk: Any) -> None:
    key = walk.create_key({"actions": ["search"], "indexes": [_INDEX], "expiresAt": None, "name": "walk"})
    assert walk.get_key(key.uid).key == walk.get_key(key.key).key
    assert key.uid in {one.uid for one in walk.get_keys({"limit": 1000}).results}
    assert walk.update_key(key.uid, {"description": "changed"}).description == "changed"
    token = walk.generate_tenant_token(key.uid, {_INDEX: {"filter": "genre = sea"}}, api_key=key.key)
    tenant = meilisearch.Client(walk.config.url, token, timeout=30)
    assert tenant.index(_INDEX).search("keeper")["estimatedTotalHits"] == 4
    with pytest.raises(MeilisearchApiError) as refused:
        tenant.index("another").search("")
    assert refused.value.code == "invalid_api_key"
    assert walk.delete_key(key.uid) == 204


@newest
def test_every_method_of_the_index_is_walked_or_named(client: meilisearch.Client, index: Index) -> None:
    walked: set[str] = set()
    walk: Any = _Walked(index, walked)
    _walk_reading(walk)
    _walk_writing(client, walk)
    _walk_deleting(client, walk)
    _walk_settings(client, walk)
    _walk_index(client, walk)
    assert _methods(Index) - walked - _INDEX_OUT_OF_SCOPE == set()
    assert walked & _INDEX_OUT_OF_SCOPE == set()


def _walk_reading(walk: Any) -> None:
    assert walk.search("keeper 3")["hits"][0]["id"] == 3
    assert walk.search("", {"filter": "year > 1995", "sort": ["year:desc"]})["hits"][0]["id"] == 7
    assert walk.facet_search("genre", "dr")["facetHits"] == [{"value": "drama", "count": 4}]
    assert walk.get_document(3).title == "Keeper 3"
    assert [one.id for one in walk.get_documents({"filter": "genre = sea", "fields": ["id"]}).results] == [0, 2, 4, 6]
    assert walk.get_stats().number_of_documents == 8
    assert [one["name"] for one in walk.get_fields().results][:2] == ["genre", "id"]


def _walk_writing(client: Any, walk: Any) -> None:
    rows = json.dumps([{"id": 20}]).encode()
    lines, table = b'{"id": 21}\n{"id": 22}\n', b"id;title\n23;csv\n"
    tasks = [
        walk.add_documents([{"id": 10, "title": "new"}], metadata="walk"),
        *walk.add_documents_in_batches([{"id": 11}, {"id": 12}], batch_size=1),
        walk.add_documents_json(rows),
        walk.add_documents_csv(table, csv_delimiter=";"),
        walk.add_documents_ndjson(lines),
        walk.add_documents_raw(lines, content_type="application/x-ndjson"),
        walk.update_documents([{"id": 10, "year": 1}]),
        *walk.update_documents_in_batches([{"id": 11, "year": 2}], batch_size=1),
        walk.update_documents_json(rows),
        walk.update_documents_csv(table, csv_delimiter=";"),
        walk.update_documents_ndjson(lines),
        walk.update_documents_raw(lines, content_type="application/x-ndjson"),
    ]
    found = [_done(client, task) for task in tasks]
    assert found[0].custom_metadata == "walk"
    assert dict(walk.get_document(10)) == {"id": 10, "title": "new", "year": 1}
    assert walk.wait_for_task(tasks[0].task_uid).uid == walk.get_task(tasks[0].task_uid).uid
    assert walk.get_tasks({"limit": "1"}).total >= len(tasks)


def _walk_deleting(client: Any, walk: Any) -> None:
    assert _done(client, walk.delete_document(10)).details["deletedDocuments"] == 1
    assert _done(client, walk.delete_documents(filter="genre = sea")).details["deletedDocuments"] == 4
    assert _done(client, walk.delete_all_documents()).details["deletedDocuments"] > 0


def _walk_settings(client: Any, walk: Any) -> None:
    assert walk.get_settings()["sortableAttributes"] == ["year"]
    _done(client, walk.update_settings({"stopWords": ["a"]}))
    for name, value in _SETTINGS.items():
        before = _plain(getattr(walk, f"get_{name}")())
        _done(client, getattr(walk, f"update_{name}")(value))
        after = _plain(getattr(walk, f"get_{name}")())
        assert after == value or (isinstance(value, dict) and value.items() <= after.items()), (name, after)
        _done(client, getattr(walk, f"reset_{name}")())
        assert _plain(getattr(walk, f"get_{name}")()) != after or before == after, name
    _done(client, walk.update_embedders({"one": {"source": "userProvided", "dimensions": 3}}))
    assert walk.get_embedders() is not None
    _done(client, walk.reset_embedders())
    _done(client, walk.reset_settings())
    assert walk.get_settings()["filterableAttributes"] == []


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.model_dump(by_alias=True, exclude_none=True) if hasattr(value, "model_dump") else value


def _walk_index(client: Any, walk: Any) -> None:
    assert walk.fetch_info().primary_key == walk.get_primary_key() == "id"
    _done(client, walk.update(primary_key="key"))
    _done(client, walk.compact())
    _done(client, walk.delete())
    _done(client, walk.create(client.config, _INDEX, {"primaryKey": "id"}))
