"""API keys: made, listed, changed and removed; their secrets follow from the master key and the uid."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from . import clock, values
from .database import Database
from .identity import is_uid
from .refusal import Refusal

ACTIONS = frozenset(
    "* search documents.* documents.add documents.get documents.delete indexes.* indexes.create indexes.get"
    " indexes.update indexes.delete indexes.swap indexes.compact tasks.* tasks.cancel tasks.delete tasks.get"
    " tasks.compact settings.* settings.get settings.update stats.* stats.get metrics.* metrics.get dumps.*"
    " dumps.create snapshots.* snapshots.create version keys.create keys.get keys.update keys.delete experimental.get"
    " experimental.update export network.get network.update chatCompletions chats.* chats.get chats.delete chats.update"
    " chatsSettings.* chatsSettings.get chatsSettings.update *.get webhooks.* webhooks.get webhooks.update"
    " webhooks.delete webhooks.create dynamicSearchRules.* dynamicSearchRules.get dynamicSearchRules.update"
    " fields.post".split()
)
_GLOBAL = (
    "version", "metrics", "webhooks", "dumps", "snapshots", "keys", "experimental", "network", "export", "chats",
    "dynamicSearchRules", "tasks.compact",
)  # fmt: skip
_DEFAULTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Default Search API Key", "Use it to search from the frontend", ("search",)),
    (
        "Default Admin API Key",
        "Use it for anything that is not a search operation. Caution! Do not expose it on a public frontend",
        ("*",),
    ),
    (
        "Default Read-Only Admin API Key",
        "Use it to read information across the whole database. Caution! Do not expose this key on a public frontend",
        ("*.get", "keys.get"),
    ),
    ("Default Chat API Key", "Use it to chat and search from the frontend", ("chatCompletions", "search")),
)
_FIELDS = ("name", "description", "uid", "actions", "indexes", "expiresAt")
_IMMUTABLE = ("uid", "actions", "indexes", "expiresAt", "createdAt", "updatedAt")


@dataclass(slots=True)
class Key:
    """One API key; `expires_at` is a time of the clock, or None for never."""

    uid: str
    name: str | None
    description: str | None
    actions: list[str]
    indexes: list[str]
    expires_at: str | None
    created_at: str
    updated_at: str


class Keys:
    """The keys of one engine, in its database."""

    def __init__(self, database: Database, master: str | None) -> None:
        self._database, self._master = database, master or ""

    def make_defaults(self) -> None:
        """Make the four keys that every engine begins with, unless there are any."""
        if self._master and self._database.one("SELECT 1 FROM keys LIMIT 1") is None:
            for name, description, actions in _DEFAULTS:
                moment = clock.now()
                self._save(Key(str(uuid.uuid4()), name, description, list(actions), ["*"], None, moment, moment))

    def secret(self, key: Key) -> str:
        """The secret of a key, as its bearer sends it."""
        return hmac.new(self._master.encode(), key.uid.encode(), hashlib.sha256).hexdigest()

    def of_secret(self, secret: str) -> Key | None:
        """The key that a secret belongs to, or None."""
        return next(
            (key for key in self.all() if hmac.compare_digest(self.secret(key).encode(), secret.encode())), None
        )

    def all(self) -> list[Key]:
        """All keys, newest first."""
        rows = self._database.all("SELECT body FROM keys ORDER BY created_at DESC, uid")
        return [Key(**json.loads(row[0])) for row in rows]

    def find(self, name: str) -> Key | None:
        """The key of a uid, or None."""
        row = self._database.one("SELECT body FROM keys WHERE uid = ?", (name,))
        return None if row is None else Key(**json.loads(row[0]))

    def get(self, name: str) -> Key:
        """The key of a uid or of a secret; Refusal `api_key_not_found`."""
        key = self.find(name) or self.of_secret(name)
        if key is None:
            raise Refusal("api_key_not_found", f"API key `{name}` not found.")
        return key

    def create(self, body: Any) -> Key:
        """Make a key from the body of a request; Refusal."""
        body = values.object_of(body, _FIELDS)
        for field, code in (("actions", "actions"), ("indexes", "indexes"), ("expiresAt", "expires_at")):
            if field not in body:
                raise Refusal(f"missing_api_key_{code}", f"Missing field `{field}`")
        uid = _uid(body["uid"]) if body.get("uid") is not None else str(uuid.uuid4())
        if self.find(uid) is not None:
            text = f"`uid` field value `{uid}` is already an existing API key."
            raise Refusal("api_key_already_exists", text)
        actions = values.many(_action)(body["actions"], ".actions", "invalid_api_key_actions")
        indexes = values.many(_pattern)(body["indexes"], ".indexes", "invalid_api_key_indexes")
        _check_scope(actions, indexes)
        moment = clock.now()
        name, description = (_words(body, field) for field in ("name", "description"))
        key = Key(uid, name, description, actions, indexes, _expiry(body["expiresAt"]), moment, moment)
        self._save(key)
        return key

    def update(self, name: str, body: Any) -> Key:
        """Change name and description; Refusal, also for what cannot be changed."""
        known = ("description", "name")
        if isinstance(body, dict):
            for field in body:
                if field in _IMMUTABLE:
                    words = "".join(f"_{char.lower()}" if char.isupper() else char for char in field)
                    listed = ", ".join(f"`{one}`" for one in known)
                    text = f"Immutable field `{field}`: expected one of {listed}"
                    raise Refusal(f"immutable_api_key_{words}", text)
        body = values.object_of(body, known)
        changes = {field: _words(body, field) for field in known if field in body}
        key = self.get(name)
        for field, value in changes.items():
            setattr(key, field, value)
        key.updated_at = clock.now()
        self._save(key)
        return key

    def delete(self, name: str) -> None:
        """Remove a key; Refusal `api_key_not_found`."""
        key = self.get(name)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM keys WHERE uid = ?", (key.uid,))

    def view(self, key: Key) -> dict[str, Any]:
        """A key as the routes show it."""
        return {
            "name": key.name,
            "description": key.description,
            "key": self.secret(key),
            "uid": key.uid,
            "actions": key.actions,
            "indexes": key.indexes,
            "expiresAt": key.expires_at,
            "createdAt": key.created_at,
            "updatedAt": key.updated_at,
        }

    def _save(self, key: Key) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO keys VALUES (?, ?, ?) ON CONFLICT (uid) DO UPDATE SET body = excluded.body",
                (key.uid, json.dumps(asdict(key)), key.created_at),
            )


def _uid(value: Any) -> str:
    try:
        return str(uuid.UUID(values.text(value, ".uid", "invalid_api_key_uid")))
    except ValueError as exc:
        raise Refusal("invalid_api_key_uid", f"Invalid value at `.uid`: {exc}") from exc


def _words(body: dict[str, Any], field: str) -> str | None:
    value: str | None = values.optional(values.text)(body.get(field), f".{field}", f"invalid_api_key_{field}")
    return value


def _action(value: Any, place: str, code: str) -> str:
    if values.text(value, place, code) not in ACTIONS:
        listed = ", ".join(f"`{one}`" for one in sorted(ACTIONS))
        raise Refusal(code, f"Unknown value `{value}` at `{place}`: expected one of {listed}")
    return str(value)


def _pattern(value: Any, place: str, code: str) -> str:
    text = values.text(value, place, code)
    if text != "*" and not is_uid(text.removesuffix("*")):
        raise Refusal(code, f"Invalid value at `{place}`: `{text}` is not a valid index uid pattern.")
    return text


def _check_scope(actions: list[str], indexes: list[str]) -> None:
    if "*" in indexes:
        return
    for action in actions:
        if action.partition(".")[0] in _GLOBAL or action in _GLOBAL:
            raise Refusal(
                "index_scoped_api_key_with_global_action",
                f"The action `{action}` is global and cannot be given to a key that is limited to some indexes.",
            )


def _expiry(value: Any) -> str | None:
    code = "invalid_api_key_expires_at"
    if value is None:
        return None
    text = values.text(value, ".expiresAt", code)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(code, f"Invalid value at `.expiresAt`: `{text}` is not a valid date.") from None
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    found = utc.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
    if found <= clock.now():
        raise Refusal(code, f"Invalid value at `.expiresAt`: `{text}` is in the past.")
    return found
