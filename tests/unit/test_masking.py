"""Secrets in texts of others: masked wherever they stand, and nothing else."""

from __future__ import annotations

import pytest

from scrypath_celery.masking import masked


@pytest.mark.parametrize(
    "text",
    [
        "Could not parse SQLAlchemy URL from given URL string 'postgresql://me:hunter22@db/shop'",
        "cannot connect to amqp://guest:hunter22@broker:5672//",
        "redis://:hunter22@127.0.0.1:6379/0 refused",
        "redis://:p@ss:hunter22@127.0.0.1:6379/0 refused",
        "invalid dsn: host=db password=hunter22 user=me",
        "bad settings: {'password': 'hunter22', 'user': 'me'}",
        "meilisearch_api_key = hunter22 is refused",
        'API-KEY: "hunter22"',
        "header Authorization: Bearer hunter22 was refused",
        "SECRET_TOKEN=hunter22",
    ],
)
def test_a_secret_is_masked(text: str) -> None:
    found = masked(text, {})
    assert "hunter22" not in found
    assert "***" in found


@pytest.mark.parametrize(
    "name", ["SCRYPATH_MEILISEARCH_API_KEY", "DB_PASSWORD", "DATABASE_URL", "SIGNING_KEY", "TOKEN"]
)
def test_the_value_of_a_secret_variable_is_masked_wherever_it_stands(name: str) -> None:
    assert masked("no such thing: hunter22!", {name: "hunter22"}) == "no such thing: ***!"


@pytest.mark.parametrize(
    "text", ["No module named 'shop.tokens'", "http://127.0.0.1:7700 cannot be reached", "a:b@c", "KeyError: 'title'"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text, {"HOME": "/root", "MODE": "shop.tokens", "KEY": "a"}) == text
