"""Settings as they are declared: our names, checks, synonyms, ranking rules; and what is never shown."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.declaration.schema import Schema
from scrypath_celery.declaration.setting_names import engine_name, own_name
from scrypath_celery.declaration.settings import KNOWN, defaults_of, differences, masked
from scrypath_celery.errors import SchemaError


class Base(DeclarativeBase):
    """The models."""


class Song(Base):
    """A record."""

    __tablename__ = "song"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


def declared(**settings: Any) -> dict[str, Any]:
    """What the engine is sent for declared settings."""
    return Schemas().add(Song, settings=settings, ranking_rules_strict=False).declared_settings()


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_each_name_leads_to_the_engine_and_back(name: str) -> None:
    assert engine_name(own_name(name)) == name
    assert engine_name(name) == name


def test_names_inside_settings_are_translated_too() -> None:
    found = declared(
        typo_tolerance={"min_word_size_for_typos": {"one_typo": 4}, "disable_on_words": {"b", "a"}},
        localized_attributes=[{"attribute_patterns": ["title"], "locales": ["en"]}],
        embedders={"e": {"source": "rest", "api_key": "k", "request": {"my_field": 1}}},
        searchable=["title"],
    )
    assert found == {
        "typoTolerance": {"minWordSizeForTypos": {"oneTypo": 4}, "disableOnWords": ["a", "b"]},
        "localizedAttributes": [{"attributePatterns": ["title"], "locales": ["en"]}],
        "embedders": {"e": {"source": "rest", "apiKey": "k", "request": {"my_field": 1}}},
        "searchableAttributes": ["title"],
    }


def test_groups_of_synonyms_stand_for_each_other_and_one_way_ones_do_not() -> None:
    found = declared(synonyms=[["a", "b", "c"], {"one_way": {"a": ["x"]}}])
    assert found["synonyms"] == {"a": ["b", "c", "x"], "b": ["a", "c"], "c": ["a", "b"]}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"stop_word": ["a"]}, "unknown setting 'stop_word'; did you mean 'stop_words'"),
        ({"stop_words": "the"}, "'stop_words' must be a list of strings"),
        ({"stop_words": [], "stopWords": []}, "'stop_words' is given twice"),
        ({"typo_tolerance": {"enable": True}}, "unknown option 'enable'; did you mean 'enabled'"),
        ({"typo_tolerance": {"enabled": 1}}, "must be true or false"),
        (
            {"typo_tolerance": {"min_word_size_for_typos": {"one_typo": 9, "two_typos": 4}}},
            "one_typo must not be above",
        ),
        ({"ranking_rules": ["word"]}, "unknown ranking rule 'word'"),
        ({"ranking_rules": ["attribute", "wordPosition"]}, "the same as"),
        ({"pagination": {"max_total_hits": 0}}, "a whole number from 1"),
        ({"prefix_search": "never"}, "one of indexingTime, disabled"),
        ({"synonyms": [{"two_way": {}}]}, "one_way"),
        ({"localized_attributes": [{"locales": ["en"]}]}, "attribute_patterns and locales"),
        ({"embedders": {"e": "x"}}, "must be an object"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        declared(**settings)


def test_a_default_ranking_rule_that_is_left_out_is_warned_about() -> None:
    with pytest.warns(UserWarning, match="leaves out typo, wordPosition"):
        Schemas().add(Song, settings={"ranking_rules": ["words", "proximity", "attributeRank", "sort", "exactness"]})
    old = ["words", "typo", "proximity", "attribute", "sort", "exactness", "title:asc"]
    Schemas().add(Song, settings={"ranking_rules": old})


def test_the_keys_of_embedders_are_shown_nowhere_and_change_no_fingerprint() -> None:
    def schema(key: str) -> Schema:
        embedder = {"source": "rest", "api_key": key, "headers": {"x": key}, "search_embedder": {"api_key": key}}
        return Schemas().add(Song, settings={"embedders": {"e": embedder}})

    one = schema("secret-1")
    assert "secret" not in repr(one)
    assert "secret" not in repr(masked(one.declared_settings()))
    assert one.fingerprint() == schema("secret-2").fingerprint()


def test_an_embedder_is_compared_by_what_is_declared_of_it() -> None:
    live = {"embedders": {"e": {"source": "rest", "apiKey": "secXXX", "dimensions": 3, "url": "u"}, "theirs": {}}}
    assert differences({"embedders": {"e": {"source": "rest", "apiKey": "k", "dimensions": 3}}}, live) == {}
    assert differences({"embedders": {"e": {"dimensions": 4}}}, live) != {}
    assert differences({"embedders": {"theirs": None}}, live) != {}
    assert differences({"embedders": {"gone": None}}, live) == {}


def test_the_default_ranking_rules_are_those_of_the_engines_version() -> None:
    live = {"rankingRules": ["words", "typo", "proximity", "attribute", "sort", "exactness"]}
    assert differences({"rankingRules": None}, live, defaults_of("1.35.2")) == {}
    assert differences({"rankingRules": None}, live, defaults_of("1.36.0")) != {}
