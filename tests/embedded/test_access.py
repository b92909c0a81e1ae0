"""Keys: what they let their bearers do, and what they keep from them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import meilisearch
import pytest

from scrypath_celery.embedded import EmbeddedEngine
from tests.deadline import eventually
from tests.embedded.wire import Wire

_MASTER = "a-master-key-of-some-length"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An engine with a master key."""
    with EmbeddedEngine(master_key=_MASTER) as engine:
        yield engine.url


@pytest.fixture
def master(url: str) -> Iterator[Wire]:
    """Raw HTTP with the master key."""
    wire = Wire(url, _MASTER)
    yield wire
    wire.close()


def _key(master: Wire, *actions: str, indexes: list[str] | None = None, expires: str | None = None) -> dict[str, Any]:
    wish = {"actions": list(actions), "indexes": indexes or ["*"], "expiresAt": expires}
    made: dict[str, Any] = master.call("POST", "/keys", wish).json
    return made


def test_a_key_reaches_the_indexes_of_its_pattern(master: Wire) -> None:
    wire = Wire(master.url, _key(master, "documents.*", "indexes.*", indexes=["posts_*"])["key"])
    assert wire.call("POST", "/indexes/posts_a/documents?primaryKey=id", [{"id": 1}]).status == 202
    assert wire.call("POST", "/indexes/people/documents", [{"id": 1}]).refusal == (403, "invalid_api_key")
    assert wire.call("POST", "/indexes", {"uid": "people"}).refusal == (403, "invalid_api_key")
    wire.close()


def test_a_key_without_the_right_to_make_indexes_fails_in_the_task(master: Wire) -> None:
    wire = Wire(master.url, _key(master, "documents.add", "settings.update")["key"])
    for method, path in (("POST", "/indexes/missing/documents"), ("PUT", "/indexes/missing/settings/stop-words")):
        task = master.over(wire.call(method, path, []).json["taskUid"])
        assert (task["status"], task["error"]["code"]) == ("failed", "index_not_found")
    wire.close()


def test_a_key_of_some_indexes_does_not_see_swaps(master: Wire) -> None:
    for index in ("swap_a", "swap_b"):
        master.done(master.add(index, [{"id": 1}]))
    uid = master.call("POST", "/swap-indexes", [{"indexes": ["swap_a", "swap_b"]}]).json["taskUid"]
    master.done(uid)
    scoped = Wire(master.url, _key(master, "tasks.get", indexes=["swap_a", "swap_b"])["key"])
    assert scoped.call("GET", f"/tasks/{uid}").refusal == (404, "task_not_found")
    assert scoped.get(f"/tasks?uids={uid}")["results"] == []
    scoped.close()


def test_an_expired_key_is_refused_like_an_unknown_one(master: Wire) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()
    wire = Wire(master.url, _key(master, "version", expires=soon)["key"])
    assert wire.call("GET", "/version").status == 200
    eventually(lambda: wire.call("GET", "/version").status == 403, what="the key expires")
    assert wire.call("GET", "/version").refusal == (403, "invalid_api_key")
    wire.close()


def test_a_key_that_was_removed_opens_nothing(master: Wire) -> None:
    made = _key(master, "version")
    wire = Wire(master.url, made["key"])
    assert wire.call("GET", "/version").status == 200
    assert master.call("DELETE", f"/keys/{made['uid']}").status == 204
    assert wire.call("GET", "/version").refusal == (403, "invalid_api_key")
    assert master.call("GET", f"/keys/{made['uid']}").refusal == (404, "api_key_not_found")
    wire.close()


def test_what_a_key_is_for_cannot_be_changed(master: Wire) -> None:
    uid = _key(master, "version")["uid"]
    refused = {
        "actions": "immutable_api_key_actions",
        "indexes": "immutable_api_key_indexes",
        "expiresAt": "immutable_api_key_expires_at",
        "uid": "immutable_api_key_uid",
        "doggo": "bad_request",
    }
    for field, code in refused.items():
        assert master.call("PATCH", f"/keys/{uid}", {field: None}).refusal == (400, code)
    assert master.call("PATCH", f"/keys/{uid}", {"name": 5}).refusal == (400, "invalid_api_key_name")
    wish = {"uid": uid, "actions": [], "indexes": [], "expiresAt": None}
    assert master.call("POST", "/keys", wish).refusal == (409, "api_key_already_exists")


def test_a_tenant_token_searches_within_its_rules_alone(master: Wire) -> None:
    documents = [{"id": 1, "tenant": 1}, {"id": 2, "tenant": 2}]
    master.done(master.add("tenants", documents))
    task = master.call("PUT", "/indexes/tenants/settings/filterable-attributes", ["tenant"]).json["taskUid"]
    master.done(task)
    made = _key(master, "search")
    client = meilisearch.Client(master.url, made["key"], timeout=10)
    token = client.generate_tenant_token(made["uid"], {"tenants": {"filter": "tenant = 2"}}, api_key=made["key"])
    wire = Wire(master.url, token)
    assert [hit["id"] for hit in wire.call("POST", "/indexes/tenants/search", {}).json["hits"]] == [2]
    assert wire.call("POST", "/indexes/tenants/search", {"filter": "tenant = 1"}).json["hits"] == []
    several = wire.call("POST", "/multi-search", {"queries": [{"indexUid": "tenants"}]}).json["results"]
    assert [hit["id"] for hit in several[0]["hits"]] == [2]
    assert wire.call("POST", "/indexes/people/search", {}).refusal == (403, "invalid_api_key")
    assert wire.call("GET", "/indexes/tenants/documents").refusal == (403, "invalid_api_key")
    forged = Wire(master.url, token[:-4] + "AAAA")
    assert forged.call("POST", "/indexes/tenants/search", {}).refusal == (403, "invalid_api_key")
    wire.close()
    forged.close()


def test_a_tenant_token_ends(master: Wire) -> None:
    made = _key(master, "search")
    client = meilisearch.Client(master.url, made["key"], timeout=10)
    soon = datetime.now(UTC) + timedelta(seconds=2)
    wire = Wire(master.url, client.generate_tenant_token(made["uid"], ["*"], expires_at=soon, api_key=made["key"]))
    assert wire.call("POST", "/multi-search", {"queries": []}).status == 200
    eventually(lambda: wire.call("POST", "/multi-search", {"queries": []}).status == 403, what="the token expires")
    wire.close()
