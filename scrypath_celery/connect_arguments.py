"""Connect arguments of a driver for asyncio as the driver that needs no event loop takes them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from ssl import SSLContext
from typing import Any

from .logs import log

_SAME = ("user", "password", "passfile", "target_session_attrs", "krbsrvname", "gsslib")
_OF_THE_LOOP = {
    "loop",
    "async_fallback",
    "async_creator",
    "iter_chunk_size",
    "echo",
    "connection_class",
    "record_class",
}
"""Arguments that say how an event loop is used, or what it is given: they have no meaning for the other driver."""
_OF_STATEMENTS = {
    "statement_cache_size",
    "prepared_statement_cache_size",
    "max_cached_statement_lifetime",
    "max_cacheable_statement_size",
    "prepared_statement_name_func",
}


def translated(driver: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an asynchronous driver for its synchronous counterpart.

    What the counterpart has nothing for is left out, and named in the log (never its value).
    """
    arguments = {name: value for name, value in given.items() if name not in _OF_THE_LOOP}
    if driver == "asyncpg":
        found, known = _for_psycopg(arguments)
    elif driver in ("aiomysql", "asyncmy"):
        found, known = _for_pymysql(arguments)
    else:
        return arguments
    dropped = sorted(arguments.keys() - known)
    if dropped:
        log("connect_arguments_dropped", driver=driver, names=", ".join(dropped))
    return found


def _for_psycopg(given: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    found: dict[str, Any] = {name: given[name] for name in _SAME if name in given}
    known = {*found, *_OF_STATEMENTS, "database", "server_settings", "timeout", "command_timeout", "host", "port"}
    if "database" in given:
        found["dbname"] = given["database"]
    for name in ("host", "port"):
        if name in given:
            several = isinstance(given[name], list | tuple)
            found[name] = ",".join(map(str, given[name])) if several else given[name]
    settings = dict(given.get("server_settings") or {})
    if given.get("command_timeout"):
        settings.setdefault("statement_timeout", int(float(given["command_timeout"]) * 1000))
    if settings:
        found["options"] = " ".join(f"-c {name}={_escaped(str(value))}" for name, value in settings.items())
    if given.get("timeout"):
        found["connect_timeout"] = max(2, int(float(given["timeout"])))
    if _prepares_nothing(given):
        found["prepare_threshold"] = None
    found |= _ssl(given.get("ssl"))
    if not isinstance(given.get("ssl"), SSLContext):
        known.add("ssl")
    return found, known


def _prepares_nothing(given: Mapping[str, Any]) -> bool:
    """Whether no statement may outlive its transaction in a server's memory, since a pooler stands between."""
    sizes = [str(given.get(name)) for name in ("statement_cache_size", "prepared_statement_cache_size")]
    return "0" in sizes or given.get("prepared_statement_name_func") is not None


def _ssl(given: Any) -> dict[str, Any]:
    """What asyncpg was told of TLS, in libpq's words; the certificates of a context cannot be taken over."""
    if given is True:
        return {"sslmode": "verify-full", "sslrootcert": "system"}
    if given is False:
        return {"sslmode": "disable"}
    if isinstance(given, SSLContext):
        return {"sslmode": "require"}
    return {} if given is None else {"sslmode": str(given)}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _for_pymysql(given: Mapping[str, Any]) -> tuple[dict[str, Any], set[str]]:
    takes = signature(import_module("pymysql.connections").Connection).parameters
    found = {name: value for name, value in given.items() if name in takes}
    return found, set(found)
