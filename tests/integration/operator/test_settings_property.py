"""Generated settings, declared, applied and read back: no false drift, and no missed one."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from scrypath_celery.convergence.live_settings import differing
from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.declaration.setting_names import own_name
from scrypath_celery.operator.settings_apply import settings_apply
from scrypath_celery.operator.settings_diff import Parity, settings_diff
from scrypath_celery.setting_defaults import DEFAULTS
from scrypath_celery.testing.engine import EngineUnderTest
from tests.shop import Post, Shop

WORDS = ("the", "\u00c9t\u00e9", "Zeta", "alpha", "a", "caf\u00e9", "*", "zoo", "The")


def words(random: random.Random) -> list[str]:
    """Some words, some of them twice."""
    return random.choices([word for word in WORDS if word != "*"], k=random.randint(0, 4))


def rules(random: random.Random) -> list[str]:
    """Ranking rules in any order."""
    chosen = random.sample(DEFAULTS["rankingRules"], k=random.randint(3, 7))
    return [*chosen, random.choice(["title:asc", "body:desc"])]


def sizes(random: random.Random) -> dict[str, Any]:
    """Two sizes that the engine takes, one of them perhaps its default."""
    one = random.randint(1, 5)
    return random.choice(
        [{"one_typo": one}, {"one_typo": one, "two_typos": random.randint(9, 20)}, {"two_typos": None}]
    )


def some(random: random.Random, **values: Any) -> dict[str, Any]:
    """Some of these."""
    return {name: value for name, value in values.items() if random.random() < 0.7}


GENERATORS: Mapping[str, Callable[[random.Random], Any]] = {
    "searchable": lambda r: r.choices(["title", "body", "*", "id"], k=r.randint(1, 4)),
    "displayed": lambda r: r.choices(["title", "body", "*", "id"], k=r.randint(1, 4)),
    "ranking_rules": rules,
    "stop_words": words,
    "non_separator_tokens": lambda r: r.choices(["@", "#", "&"], k=r.randint(0, 4)),
    "separator_tokens": lambda r: r.choices(["|", "&sep", ";"], k=r.randint(0, 4)),
    "dictionary": words,
    "synonyms": lambda r: r.choice(
        [{"zoo": words(r), "auto": ["car"]}, [["a", "b", "c"], {"one_way": {"d": ["a"]}}], []]
    ),
    "distinct_attribute": lambda r: r.choice(["title", "body"]),
    "proximity_precision": lambda r: r.choice(["byWord", "byAttribute"]),
    "typo_tolerance": lambda r: some(
        r,
        enabled=r.random() < 0.5,
        min_word_size_for_typos=sizes(r),
        disable_on_words=words(r),
        disable_on_attributes=r.choices(["title", "body"], k=2),
        disable_on_numbers=None,
    ),
    "pagination": lambda r: some(r, max_total_hits=r.choice([1, 1_000, 50_000, None])),
    "search_cutoff_ms": lambda r: r.choice([10, 1_500]),
    "localized_attributes": lambda r: [
        {"attribute_patterns": ["title*"], "locales": r.choice([["en"], ["fra", "de"]])}
    ],
    "embedders": lambda r: some(
        r,
        one={"source": "userProvided", "dimensions": r.randint(2, 9)},
        two={
            "source": "rest",
            "url": "http://127.0.0.1:1/embed",
            "api_key": "secret",
            "dimensions": 3,
            "document_template": "{{doc.title}}",
            "request": {"input": "{{text}}"},
            "response": {"data": "{{embedding}}"},
        },
        three=None,
    ),
    "facet_search": lambda r: r.random() < 0.5,
    "prefix_search": lambda r: r.choice(["indexingTime", "disabled"]),
}
"""What each setting may be declared as, in our spelling."""


@pytest.fixture
def declare(shop: Shop, scrypath_engine: EngineUnderTest) -> Callable[..., Any]:
    """Declare the shop's posts anew with these settings, under an index of their own."""

    def one(index: str, settings: Mapping[str, Any], **more: Any) -> Any:
        return Schemas().add(Post, index=index, settings=settings, ranking_rules_strict=False, **more)

    return one


def test_every_setting_of_the_engine_is_generated() -> None:
    apart = {"filterableAttributes", "sortableAttributes", "faceting"}
    assert {own_name(key) for key in DEFAULTS.keys() - apart} == GENERATORS.keys()


@pytest.mark.parametrize("seed", range(12))
def test_generated_settings_have_neither_false_nor_missed_drift(
    shop: Shop, declare: Callable[..., Any], seed: int
) -> None:
    chance = random.Random(seed)
    runtime, index = shop.search.runtime, f"gen_{secrets.token_hex(4)}"
    settings = {name: make(chance) for name, make in GENERATORS.items() if chance.random() < 0.8}
    settings |= {name: None for name in GENERATORS if chance.random() < 0.1}
    more = {
        "filterable": ["body", {"attribute_patterns": ["title"], "features": {"facet_search": True}}][
            : chance.randint(0, 2)
        ],
        "sortable": chance.choices(["title", "body"], k=3),
        "faceting": some(chance, max_values_per_facet=7, sort_facet_values_by={"body": "count"}),
    }
    schema = declare(index, settings, **more)
    assert settings_diff(runtime, schema).status is Parity.MISSING
    settings_apply(runtime, schema)
    assert settings_diff(runtime, schema).drift == ()
    assert settings_apply(runtime, schema).applied == ()

    live = runtime.engine.settings(runtime.uid_of(schema)) or {}
    for key in schema.declared_settings():
        other = _other(key, live[key])
        if other == live[key]:
            continue
        changed = {**live, key: other}
        found = differing(runtime, schema.declared_settings(), changed)
        assert (key in found) == (not _means_nothing(key, schema.declared_settings()[key]))


def _other(key: str, value: Any) -> Any:
    """Another value than the one that is live."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, list):
        return [*value, "other"] if "*" not in value else ["other"]
    if isinstance(value, dict):
        return {name: _other(name, inner) for name, inner in value.items()} or {"other": ["other"]}
    return 17 if isinstance(value, int) else "other"


def _means_nothing(key: str, declared: Any) -> bool:
    """Whether an empty object is declared for a setting that the engine merges: it asks for nothing."""
    if key == "embedders":  # what is declared None is not there, and others are not ours
        return not any(declared.values())
    return declared == {} and key in ("typoTolerance", "pagination", "faceting")
