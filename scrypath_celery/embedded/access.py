"""Who may do what: the master key, API keys with their actions and indexes, and tenant tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from . import clock
from .keys import Key, Keys
from .refusal import Refusal


@dataclass(frozen=True, slots=True)
class Access:
    """What the sender of a request may touch.

    `indexes` are patterns (`*` at the end stands for anything), `actions` those of the key, None for everything;
    `rules` are the search rules of a tenant token: a filter by index pattern, or None.
    """

    indexes: tuple[str, ...] = ("*",)
    actions: tuple[str, ...] | None = None
    rules: Mapping[str, Any] | None = None

    @property
    def everywhere(self) -> bool:
        """Whether no index is out of reach."""
        return "*" in self.indexes and (self.rules is None or "*" in self.rules)

    def may(self, action: str) -> bool:
        """Whether the key holds an action, by itself or by a wildcard."""
        if self.actions is None:
            return True
        wildcards = {"*", action, f"{action.partition('.')[0]}.*"}
        if action.endswith(".get") and not action.startswith("keys."):
            wildcards.add("*.get")
        return not wildcards.isdisjoint(self.actions)

    def reaches(self, index: str | None) -> bool:
        """Whether an index is within reach; what belongs to no index is so only to those who reach all."""
        if index is None:
            return self.everywhere
        if not any(_fits(index, pattern) for pattern in self.indexes):
            return False
        return self.rules is None or any(_fits(index, pattern) for pattern in self.rules)

    def require(self, index: str) -> None:
        """Refusal `invalid_api_key` where an index is out of reach."""
        if not self.reaches(index):
            raise denied()

    def rule(self, index: str) -> Any:
        """The filter that a tenant token puts on searches of an index, or None."""
        for pattern, rule in (self.rules or {}).items():
            if _fits(index, pattern) and isinstance(rule, dict):
                return rule.get("filter")
        return None


def denied() -> Refusal:
    """The one refusal for all that a key cannot do, be it unknown, expired or too weak."""
    return Refusal("invalid_api_key", "The provided API key is invalid.")


class Gate:
    """Decides on every request. `master` is the master key, or None where everything is open."""

    def __init__(self, master: str | None, keys: Keys) -> None:
        self._master, self._keys = master, keys

    def check(self, authorization: str | None, action: str | None) -> Access:
        """What the bearer of a header may do, if it may do `action` at all (None: anybody may); Refusal."""
        if action is None:
            return Access()
        if self._master is None:
            if action.startswith("keys."):
                raise Refusal(
                    "missing_master_key",
                    "Meilisearch is running without a master key. To access this API endpoint, you must have set a"
                    " master key at launch.",
                )
            return Access()
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refusal(
                "missing_authorization_header",
                "The Authorization header is missing. It must use the bearer authorization method.",
            )
        return self._of_token(token.strip(), action)

    def _of_token(self, token: str, action: str) -> Access:
        if self._master is not None and hmac.compare_digest(token.encode(), self._master.encode()):
            return Access()
        key = self._keys.of_secret(token)
        rules = None
        if key is None:
            key, rules = self._of_tenant(token, action)
        if key.expires_at is not None and key.expires_at <= clock.now():
            raise denied()
        access = Access(tuple(key.indexes), tuple(key.actions), rules)
        if not access.may(action):
            raise denied()
        return access

    def _of_tenant(self, token: str, action: str) -> tuple[Key, Mapping[str, Any]]:
        """The key behind a tenant token (a JWT signed with it) and its search rules; good for searches alone."""
        parts = token.split(".")
        if len(parts) != 3 or action != "search":
            raise denied()
        try:
            header, claims = (orjson.loads(_unpadded(part)) for part in parts[:2])
            signature = _unpadded(parts[2])
            name = claims["apiKeyUid"]
            digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[header["alg"]]
            expires, rules = claims.get("exp"), claims["searchRules"]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise denied() from None
        key = self._keys.find(name) if isinstance(name, str) else None
        if key is None:
            raise denied()
        expected = hmac.new(self._keys.secret(key).encode(), ".".join(parts[:2]).encode(), digest).digest()
        expired = expires is not None and not (isinstance(expires, int | float) and expires > time.time())
        if not hmac.compare_digest(signature, expected) or expired:
            raise denied()
        if isinstance(rules, list):
            rules = {str(one): None for one in rules}
        if not isinstance(rules, dict):
            raise denied()
        return key, rules


def _unpadded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part.encode() + b"=" * (-len(part) % 4))


def _fits(index: str, pattern: str) -> bool:
    return index.startswith(pattern[:-1]) if pattern.endswith("*") else index == pattern
