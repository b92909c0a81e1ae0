"""Webhooks are kept and shown, and never sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.embedded.wire import Wire

_NOBODY = "00000000-0000-0000-0000-000000000000"


def made(wire: Wire, body: Any) -> Any:
    reply = wire.call("POST", "/webhooks", body)
    assert reply.status == 201
    return reply.json


def test_a_webhook_is_kept_and_its_secret_is_hidden(wire: Wire) -> None:
    headers = {"Authorization": "Bearer secret-token", "X": "y"}
    shown = made(wire, {"url": "https://example.com/x", "headers": headers})
    assert shown["headers"] == {"Authorization": "Bearer seXXXX...", "X": "y"}
    assert wire.get("/webhooks") == {"results": [shown]}
    assert wire.get(f"/webhooks/{shown['uuid']}") == shown


def test_a_change_keeps_what_it_does_not_name(wire: Wire) -> None:
    uid = made(wire, {"url": "https://example.com/x", "headers": {"A": "1", "B": "2"}})["uuid"]
    changed = wire.call("PATCH", f"/webhooks/{uid}", {"headers": {"A": None, "C": "3"}}).json
    assert changed == {
        "uuid": uid,
        "isEditable": True,
        "url": "https://example.com/x",
        "headers": {"B": "2", "C": "3"},
    }


def test_a_webhook_that_was_deleted_is_gone(wire: Wire) -> None:
    uid = made(wire, {"url": "https://example.com/x"})["uuid"]
    assert wire.call("DELETE", f"/webhooks/{uid}").status == 204
    assert wire.call("DELETE", f"/webhooks/{uid}").refusal == (404, "webhook_not_found")
    assert wire.get("/webhooks") == {"results": []}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_webhook_url"),
        ({"url": "no scheme"}, "invalid_webhook_url"),
        ({"url": 1}, "invalid_webhook_url"),
        ({"url": "http://a", "headers": {"a b": "x"}}, "invalid_webhook_headers"),
        ({"url": "http://a", "headers": []}, "invalid_webhook_headers"),
        ({"url": "http://a", "uuid": _NOBODY}, "immutable_webhook_uuid"),
        ({"url": "http://a", "other": 1}, "bad_request"),
    ],
)
def test_what_is_no_webhook_is_refused(body: Any, code: str, wire: Wire) -> None:
    assert wire.call("POST", "/webhooks", body).refusal == (400, code)


def test_there_are_twenty_webhooks_at_most(wire: Wire) -> None:
    for number in range(20):
        made(wire, {"url": f"http://example.com/{number}"})
    assert wire.call("POST", "/webhooks", {"url": "http://a"}).refusal == (400, "invalid_webhooks")


def test_ids_of_webhooks_are_looked_at(wire: Wire) -> None:
    assert wire.call("GET", "/webhooks/x").refusal == (400, "invalid_webhook_uuid")
    assert wire.call("PATCH", f"/webhooks/{_NOBODY}", {}).refusal == (400, "immutable_webhook")
