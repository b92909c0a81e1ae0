"""Tenant tokens: what lets a front end search the engine itself, and nobody else's documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, TypedDict

from ..errors import ConfigError, KeyRefused, QueryError
from ..runtime import Runtime
from .query.filters import Scope, tenant_condition

NEEDED = "tenant tokens are signed with an API key whose actions hold 'search' for the index (never the master key)"


class SigningKey(TypedDict, total=False):
    """The API key that signs a token, and its uid."""

    api_key: str | None
    api_key_uid: str | None


def tenant_token(
    runtime: Runtime,
    models: Any,
    tenant: Any,
    *,
    expires_at: datetime,
    api_key: str | None = None,
    api_key_uid: str | None = None,
) -> str:
    """Make a token with which a front end searches one tenant's documents of a class (or of several) alone.

    The filter is part of the token and enforced by the engine. It is signed with `api_key`, an API key of Meilisearch
    whose actions hold `search` for the index (the option `meilisearch_api_key` where left out; never the master key).
    `api_key_uid` is that key's uid; where left out the engine is asked for it, which needs the action `keys.get`.

    Raises:
        QueryError: a class has no tenant field, there is no tenant, or `expires_at` has no zone or is over.
        ConfigError: there is no key, or it is not one that can sign tokens.
    """
    _check_expiry(expires_at)
    chosen = [runtime.schemas.searched(model) for model in (models if isinstance(models, list | tuple) else [models])]
    rules: dict[str, Any] = {}
    for schema in chosen:
        if schema.tenant_field is None:
            raise QueryError(f"{schema.name} has no tenants: declare tenant_field=")
        rules[runtime.uid_of(schema)] = {"filter": tenant_condition(schema, Scope(tenant=tenant))}
    key = api_key or runtime.options.meilisearch_api_key
    if not key:
        raise ConfigError(f"no key to sign with: {NEEDED}; give api_key=, or the option 'meilisearch_api_key'")
    uid = api_key_uid or _uid_of(runtime, key, list(rules))
    try:
        return runtime.engine.tenant_token(rules, key=key, uid=uid, expires_at=expires_at)
    except ValueError as exc:
        raise ConfigError(f"api_key_uid must be the uid of an API key (a version 4 UUID): {NEEDED}") from exc


def _check_expiry(expires_at: datetime) -> None:
    if not isinstance(expires_at, datetime) or expires_at.tzinfo is None:
        raise QueryError("expires_at= takes a datetime with a zone: datetime.now(UTC) + timedelta(hours=1)")
    if expires_at <= datetime.now(UTC):
        raise QueryError("expires_at= is over already")


def _uid_of(runtime: Runtime, key: str, uids: Sequence[str]) -> str:
    try:
        keys = runtime.engine.keys()
    except KeyRefused as exc:
        raise ConfigError(f"the uid of the key cannot be looked up ({exc.engine_code}): give api_key_uid=") from exc
    found = next((one for one in keys if one.get("key") == key), None)
    if found is None:
        raise ConfigError(f"Meilisearch does not list the key that was given: {NEEDED}")
    _check_rights(found, uids)
    return str(found["uid"])


def _check_rights(key: Mapping[str, Any], uids: Sequence[str]) -> None:
    if not {"search", "*"} & set(key.get("actions") or ()):
        raise ConfigError(f"the key {key.get('uid')} may not search: {NEEDED}")
    for uid in uids:
        if not any(fnmatchcase(uid, pattern) for pattern in key.get("indexes") or ()):
            raise ConfigError(f"the key {key.get('uid')} is not for the index {uid!r}: {NEEDED}")
