"""Connect arguments of drivers for asyncio, for the drivers of workers and commands."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from scrypath_celery.connect_arguments import translated

OF_ASYNCPG: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"server_settings": {"search_path": "a, b"}}, {"options": r"-c search_path=a,\ b"}),
    (
        {"server_settings": {"search_path": "a", "jit": "off"}, "command_timeout": 2.5},
        {"options": "-c search_path=a -c jit=off -c statement_timeout=2500"},
    ),
    ({"timeout": 9}, {"connect_timeout": 9}),
    ({"timeout": "0.5"}, {"connect_timeout": 2}),
    ({"ssl": "require"}, {"sslmode": "require"}),
    ({"ssl": True}, {"sslmode": "verify-full", "sslrootcert": "system"}),
    ({"ssl": False}, {"sslmode": "disable"}),
    ({"host": ["a", "b"], "port": [1, 2], "database": "shop"}, {"host": "a,b", "port": "1,2", "dbname": "shop"}),
    ({"host": "/run/postgresql", "port": 5}, {"host": "/run/postgresql", "port": 5}),
    (
        {"user": "u", "password": "p", "passfile": "f", "target_session_attrs": "primary", "krbsrvname": "k"},
        {"user": "u", "password": "p", "passfile": "f", "target_session_attrs": "primary", "krbsrvname": "k"},
    ),
    ({"statement_cache_size": 0}, {"prepare_threshold": None}),
    ({"prepared_statement_cache_size": "0"}, {"prepare_threshold": None}),
    ({"prepared_statement_name_func": lambda: "x"}, {"prepare_threshold": None}),
    ({"statement_cache_size": 100, "max_cached_statement_lifetime": 3, "loop": None, "async_fallback": True}, {}),
]


@pytest.mark.parametrize(("given", "expected"), OF_ASYNCPG)
def test_arguments_of_asyncpg_become_those_of_psycopg(
    given: dict[str, Any], expected: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert translated("asyncpg", given) == expected
    assert caplog.messages == []


@pytest.mark.parametrize("driver", ["aiomysql", "asyncmy"])
def test_pymysql_is_given_what_it_takes(driver: str, caplog: pytest.LogCaptureFixture) -> None:
    given = {"charset": "utf8mb4", "connect_timeout": 3, "init_command": "SET x=1", "echo": True, "loop": None}
    assert translated(driver, given) == {"charset": "utf8mb4", "connect_timeout": 3, "init_command": "SET x=1"}
    assert caplog.messages == []


def test_a_sqlite_driver_is_given_all_but_what_is_for_the_loop() -> None:
    assert translated("aiosqlite", {"timeout": 3.5, "iter_chunk_size": 9}) == {"timeout": 3.5}


@pytest.mark.parametrize(
    ("driver", "given", "name"),
    [
        ("asyncpg", {"ssl": ssl.create_default_context()}, "ssl"),
        ("asyncpg", {"direct_tls": True, "ssl": "require"}, "direct_tls"),
        ("asyncpg", {"secret_word": "hush"}, "secret_word"),
        ("aiomysql", {"no_delay": True, "secret_word": "hush"}, "no_delay, secret_word"),
    ],
)
def test_what_cannot_be_used_is_named_without_its_value(
    driver: str, given: dict[str, Any], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = translated(driver, given)
    assert [f"cannot use: {name};" in message for message in caplog.messages] == [True]
    assert "hush" not in caplog.text
    assert not {"secret_word", "direct_tls", "no_delay", "ssl"} & found.keys()
