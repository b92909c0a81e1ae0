"""Where declared settings differ from live ones, after the engine's own normalisation."""

from __future__ import annotations

from typing import Any

import pytest

from scrypath_celery.declaration.settings import differences
from scrypath_celery.setting_defaults import DEFAULTS

FILLED = {
    "attributePatterns": ["c"],
    "features": {"facetSearch": False, "filter": {"equality": True, "comparison": False}},
}


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"sortableAttributes": ["z", "a", "z"]}, {"sortableAttributes": ["a", "z"]}),
        ({"searchableAttributes": ["t", "b", "t"]}, {"searchableAttributes": ["t", "b"]}),
        ({"displayedAttributes": ["x", "*"]}, {"displayedAttributes": ["*"]}),
        ({"stopWords": ["the", "\u00e9", "the"]}, {"stopWords": ["e\u0301", "the"]}),
        (
            {"typoTolerance": {"disableOnWords": ["Zeta", "alpha"]}},
            {"typoTolerance": {"disableOnWords": ["alpha", "zeta"]}},
        ),
        ({"filterableAttributes": ["a", {"attributePatterns": ["c"]}]}, {"filterableAttributes": ["a", FILLED]}),
        (
            {"faceting": {"maxValuesPerFacet": 5}},
            {"faceting": {"maxValuesPerFacet": 5, "sortFacetValuesBy": {"*": "alpha"}}},
        ),
        (
            {"faceting": {"sortFacetValuesBy": {"g": "count"}}},
            {"faceting": {"sortFacetValuesBy": {"*": "alpha", "g": "count"}}},
        ),
        ({"typoTolerance": {"minWordSizeForTypos": None}}, dict(DEFAULTS)),
        ({"synonyms": {"b": ["c"], "a": ["d"]}}, {"synonyms": {"a": ["d"], "b": ["c"]}}),
        ({"embedders": {"e": {"apiKey": "secret"}}}, {"embedders": {"e": {"apiKey": "secXXXX", "source": "rest"}}}),
        (dict.fromkeys(DEFAULTS), dict(DEFAULTS)),
        ({}, {"stopWords": ["ours is not declared"]}),
    ],
)
def test_what_the_engine_makes_of_a_setting_is_no_difference(declared: dict[str, Any], live: dict[str, Any]) -> None:
    assert differences(declared, live) == {}


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ({"searchableAttributes": ["b", "t"]}, {"searchableAttributes": ["t", "b"]}),
        ({"rankingRules": ["words"]}, {"rankingRules": ["words", "typo"]}),
        ({"sortableAttributes": ["a"]}, {"sortableAttributes": []}),
        ({"stopWords": ["the"]}, {"stopWords": ["The"]}),
        ({"typoTolerance": {"enabled": False}}, dict(DEFAULTS)),
        ({"typoTolerance": {"minWordSizeForTypos": {"oneTypo": 4}}}, dict(DEFAULTS)),
        ({"pagination": None}, {"pagination": {"maxTotalHits": 7}}),
        ({"filterableAttributes": ["c"]}, {"filterableAttributes": [FILLED]}),
        ({"embedders": {"e": {}}}, {"embedders": {}}),
        ({"distinctAttribute": "sku"}, {}),
    ],
)
def test_a_real_difference_is_what_a_patch_would_send(declared: dict[str, Any], live: dict[str, Any]) -> None:
    assert differences(declared, live) == declared


def test_only_the_settings_that_differ_are_named() -> None:
    declared = {"stopWords": ["a"], "sortableAttributes": ["x"]}
    assert differences(declared, {**DEFAULTS, "stopWords": ["a"]}) == {"sortableAttributes": ["x"]}
