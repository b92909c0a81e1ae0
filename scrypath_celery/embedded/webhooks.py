"""Webhooks, kept as data: what is told of them is kept and answered, and nothing is ever sent."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any
from urllib.parse import urlsplit

from . import values
from .database import Database
from .refusal import Refusal

_MOST, _MOST_HEADERS = 20, 200
_KNOWN = ("url", "headers")
_IMMUTABLE = {"uuid": "immutable_webhook_uuid", "isEditable": "immutable_webhook_is_editable"}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_KEPT = ((10, 0, 3), (20, 2, 4), (30, 3, 5))


class Webhooks:
    """The webhooks of one engine, in its database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[dict[str, Any]]:
        """All webhooks as the engine shows them."""
        rows = self._database.all("SELECT uuid, body FROM webhooks ORDER BY uuid")
        return [_view(row[0], json.loads(row[1])) for row in rows]

    def get(self, uid: str) -> dict[str, Any]:
        """One webhook; Refusal `invalid_webhook_uuid` or `webhook_not_found`."""
        uid = _uuid(uid)
        return _view(uid, self._body(uid))

    def create(self, body: Any) -> dict[str, Any]:
        """Keep a new webhook; Refusal for what the engine refuses."""
        sent, uid = _read(body), str(uuid.uuid4())
        count = self._database.one("SELECT COUNT(*) FROM webhooks")
        if count is not None and count[0] >= _MOST:
            raise Refusal("invalid_webhooks", f"Please limit the number of webhooks to {_MOST}.")
        headers = {name: value or "" for name, value in (sent.get("headers") or {}).items()}
        return self._save(uid, {"url": sent.get("url"), "headers": headers})

    def update(self, uid: str, body: Any) -> dict[str, Any]:
        """Change a webhook: a header of null is removed, others are added to those that it has."""
        uid, sent = _uuid(uid), _read(body)
        if uid == str(uuid.UUID(int=0)):
            raise Refusal("immutable_webhook", f"Webhook `{uid}` is immutable.")
        kept = self._body(uid)
        if "headers" in sent:
            headers = {} if sent["headers"] is None else {**kept["headers"], **sent["headers"]}
            kept["headers"] = {name: value for name, value in headers.items() if value is not None}
        return self._save(uid, kept | ({"url": sent["url"]} if "url" in sent else {}))

    def delete(self, uid: str) -> None:
        """Forget a webhook."""
        uid = _uuid(uid)
        self._body(uid)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM webhooks WHERE uuid = ?", (uid,))

    def _body(self, uid: str) -> dict[str, Any]:
        row = self._database.one("SELECT body FROM webhooks WHERE uuid = ?", (uid,))
        if row is None:
            raise Refusal("webhook_not_found", f"Webhook `{uid}` not found.")
        body: dict[str, Any] = json.loads(row[0])
        return body

    def _save(self, uid: str, body: dict[str, Any]) -> dict[str, Any]:
        _check(uid, body)
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO webhooks VALUES (?, ?)", (uid, json.dumps(body)))
        return _view(uid, body)


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as exc:
        raise Refusal("invalid_webhook_uuid", f"Invalid UUID: {exc}") from exc


def _read(body: Any) -> dict[str, Any]:
    if isinstance(body, dict):
        for name in body:
            if name in _IMMUTABLE:
                raise Refusal(_IMMUTABLE[name], f"Immutable field `{name}`: expected one of `url`, `headers`")
    sent = values.object_of(body, _KNOWN)
    text = values.optional(values.text)
    checks = {"url": text, "headers": values.optional(values.mapping(text))}
    return {name: checks[name](value, f".{name}", f"invalid_webhook_{name}") for name, value in sent.items()}


def _check(uid: str, body: dict[str, Any]) -> None:
    url, headers = body["url"], body["headers"]
    if not url:
        raise Refusal("invalid_webhook_url", f"The URL for the webhook `{uid}` is missing.")
    if len(headers) > _MOST_HEADERS:
        raise Refusal("invalid_webhook_headers", f"Please limit the number of headers to {_MOST_HEADERS}.")
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not value.isprintable():
            raise Refusal("invalid_webhook_headers", f"Invalid header `{name}`")
    try:
        parts = urlsplit(url)
    except ValueError as exc:
        raise Refusal("invalid_webhook_url", f"Invalid URL `{url}`: {exc}") from exc
    if not parts.scheme:
        raise Refusal("invalid_webhook_url", f"Invalid URL `{url}`: relative URL without a base")


def _view(uid: str, body: dict[str, Any]) -> dict[str, Any]:
    headers = {
        name: _hidden(value) if name.lower() == "authorization" else value
        for name, value in sorted(body["headers"].items())
    }
    return {"uuid": uid, "isEditable": uid != str(uuid.UUID(int=0)), "url": body["url"], "headers": headers}


def _hidden(secret: str) -> str:
    """The beginning of a secret, as the engine shows it."""
    bearer = "Bearer " if secret.startswith("Bearer ") else ""
    rest = secret[len(bearer) :]
    kept, crosses = next(((kept, crosses) for most, kept, crosses in _KEPT if len(rest) < most), (5, 6))
    return f"{bearer}{rest[:kept]}{'X' * crosses}..."
