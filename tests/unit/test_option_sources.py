"""Where options come from, which source wins, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scrypath_celery.arguments import OptionArguments
from scrypath_celery.config import NAMES, Options, from_celery, from_environment, resolve
from scrypath_celery.errors import ConfigError


def test_each_source_beats_the_ones_after_it_and_none_is_not_given() -> None:
    flag, argument, variable, setting = {"queue": None}, {"queue": "a"}, {"queue": "b", "lease": "30"}, {"lease": 90}
    found = resolve(flag, argument, variable, setting)
    assert (found.queue, found.lease, found.relay_period) == ("a", 30.0, Options().relay_period)


GOOD: dict[str, tuple[dict[str, Any], Any]] = {
    "a number as text": ({"lease": "2.5"}, 2.5),
    "a whole number as text": ({"max_attempts": "3"}, 3),
    "a whole number as a float": ({"max_attempts": 3.0}, 3),
    "a truth as text": ({"log_exception_text": "true"}, True),
    "a mode": ({"sync_mode": "manual"}, "manual"),
    "modules in a line": ({"include": "a.b, c"}, ("a.b", "c")),
    "modules in a list": ({"include": ["a.b"]}, ("a.b",)),
}


@pytest.mark.parametrize("name", GOOD)
def test_values_become_those_of_the_options_type(name: str) -> None:
    given, expected = GOOD[name]
    assert getattr(resolve(given), next(iter(given))) == expected


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "an unknown option": (lambda: resolve({"que": "x"}), "did you mean 'queue'"),
    "a number that is none": (lambda: resolve({"lease": "soon"}), "'lease' must be a number"),
    "a truth for a number": (lambda: resolve({"lease": True}), "'lease' must be a number above zero, not bool"),
    "a word for a truth": (lambda: resolve({"log_exception_text": "maybe"}), "must be true or false, not str"),
    "a half for a whole number": (lambda: resolve({"max_attempts": 2.5}), "'max_attempts' must be a whole number"),
    "zero": (lambda: resolve({"lease": 0}), "'lease' must be a number above zero, not 0 (int)"),
    "less than zero": (lambda: resolve({"lease": "-1"}), "'lease' must be a number above zero, not '-1' (str)"),
    "no number at all": (lambda: resolve({"lease": float("nan")}), "a number above zero, not nan (float)"),
    "without end": (lambda: resolve({"lease": "inf"}), "a number above zero, not 'inf' (str)"),
    "a count without end": (lambda: resolve({"max_attempts": float("inf")}), "a whole number above zero, not inf"),
    "more than all of it": (lambda: resolve({"mass_delete_share": 1.5}), "above zero and at most 1, not 1.5"),
    "a secret for a number": (lambda: resolve({"lease": "hunter22"}), "a number above zero, not str"),
    "an empty name": (lambda: resolve({"queue": ""}), "'queue' must be a string that is not empty, not an empty one"),
    "modules that are none": (lambda: resolve({"include": [7]}), "'include' must be a list of module names, not list"),
    "an unknown mode": (lambda: resolve({"sync_mode": "later"}), "must be one of"),
    "another backend": (lambda: resolve({"backend": "solr"}), "must be 'meilisearch'"),
    "a number for a text": (lambda: resolve({"queue": 7}), "'queue' must be a string that is not empty, not 7 (int)"),
    "an unknown variable": (lambda: from_environment({"SCRYPATH_QUE": "x"}), "did you mean 'SCRYPATH_QUEUE'"),
    "a variable in small letters": (lambda: from_environment({"Scrypath_queue": "x"}), "must be upper case"),
    "an unknown setting": (lambda: from_celery([("scrypath_que", "x")]), "did you mean 'scrypath_queue'"),
    "a setting in mixed case": (lambda: from_celery([("scrypath_Queue", "x")]), "all lower or all upper case"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_refused_with_its_name(name: str) -> None:
    ask, words = BAD[name]
    with pytest.raises(ConfigError) as refused:
        ask()
    assert words in str(refused.value)


def test_an_empty_prefix_and_an_empty_key_are_fine() -> None:
    found = resolve({"index_prefix": "", "meilisearch_api_key": ""})
    assert (found.index_prefix, found.meilisearch_api_key) == ("", "")


def test_type_checkers_know_every_option() -> None:
    assert set(OptionArguments.__annotations__) == set(NAMES)


def test_settings_are_found_under_the_namespace_of_the_app_and_others_are_left_alone() -> None:
    conf = [("CELERY_SCRYPATH_QUEUE", "a"), ("CELERY_broker_url", "x"), ("scrypath_lease", 3)]
    assert from_celery(conf, "CELERY") == {"queue": "a", "lease": 3}
    environ = {"SCRYPATH_QUEUE": "b", "SCRYPATH_APP": "shop:app", "SCRYPATH_TEST_REDIS": "x", "PATH": "/bin"}
    assert from_environment(environ) == {"queue": "b"}
