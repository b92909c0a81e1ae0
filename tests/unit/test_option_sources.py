"""Where options come from, which source wins, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

import pytest
from celery import Celery

from scrypath_celery import Scrypath
from scrypath_celery.arguments import OptionArguments
from scrypath_celery.config import NAMES, Options, from_celery, from_environment, resolve
from scrypath_celery.errors import ConfigError
from scrypath_celery.option_checks import is_text


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


SECONDS = "a number of seconds from 0.001 to 1,000,000"

BAD: dict[str, tuple[Callable[[], object], str]] = {
    "an unknown option": (lambda: resolve({"que": "x"}), "did you mean 'queue'"),
    "a number that is none": (lambda: resolve({"lease": "soon"}), f"'lease' must be {SECONDS}, not str"),
    "a truth for a number": (lambda: resolve({"lease": True}), f"'lease' must be {SECONDS}, not bool"),
    "a number for a truth": (lambda: resolve({"ledger_notify": 1}), "must be true or false, not 1 (int)"),
    "a word for a truth": (lambda: resolve({"log_exception_text": "maybe"}), "must be true or false, not str"),
    "a half for a whole number": (lambda: resolve({"max_attempts": 2.5}), "'max_attempts' must be a whole number"),
    "zero": (lambda: resolve({"lease": 0}), f"'lease' must be {SECONDS}, not 0 (int)"),
    "less than zero": (lambda: resolve({"lease": "-1"}), f"'lease' must be {SECONDS}, not '-1' (str)"),
    "no number at all": (lambda: resolve({"lease": float("nan")}), f"{SECONDS}, not nan (float)"),
    "without end": (lambda: resolve({"lease": "inf"}), f"{SECONDS}, not 'inf' (str)"),
    "a count without end": (lambda: resolve({"max_attempts": float("inf")}), "a whole number from 1 to 1,000,000,000"),
    "longer than sockets wait": (lambda: resolve({"lease": 1e7}), f"{SECONDS}, not 10000000.0 (float)"),
    "more than all of it": (lambda: resolve({"mass_delete_share": 1.5}), "above 0 and at most 1, not 1.5"),
    "more ranges than are of use": (lambda: resolve({"rebuild_ranges": 5_000}), "from 1 to 1,000, not 5000 (int)"),
    "a secret for a number": (lambda: resolve({"lease": "hunter22"}), f"{SECONDS}, not str"),
    "a secret that is a number": (lambda: resolve({"meilisearch_api_key": 12345678}), "without spaces, not int"),
    "a key with its line's end": (
        lambda: resolve({"meilisearch_api_key": "a\n"}),
        "without spaces, not another string",
    ),
    "an empty name": (lambda: resolve({"queue": ""}), "without spaces around it, not an empty one"),
    "a name that says nothing": (lambda: resolve({"queue": " "}), "without spaces around it, not an empty one"),
    "bytes for a text": (lambda: resolve({"queue": b"x"}), "without spaces around it, not bytes"),
    "a URL without a scheme": (lambda: resolve({"meilisearch_url": "host:7700"}), "must be an http or https URL"),
    "a URL with a wrong port": (lambda: resolve({"meilisearch_url": "http://host:abc"}), "not another string"),
    "a prefix that no index may have": (lambda: resolve({"index_prefix": "a/b"}), "at most 100 letters, digits"),
    "modules that are none": (lambda: resolve({"include": [7]}), "'include' must be a list of module names, not list"),
    "a module between two commas": (lambda: resolve({"include": "a,,b"}), "must be a list of module names, not str"),
    "an unknown mode": (lambda: resolve({"sync_mode": "later"}), "must be one of"),
    "another backend": (lambda: resolve({"backend": "solr"}), "must be 'meilisearch'"),
    "a number for a text": (lambda: resolve({"queue": 7}), "without spaces around it, not 7 (int)"),
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


ODD: tuple[Any, ...] = (float("nan"), float("-inf"), -1, 10**400, "9" * 5_000, b"x", {}, object(), [None], "a\nb", "\0")
WORDS = ("nan", "inf", "-1", "9" * 5_000)
"""What numbers cannot be; a text may be some of it."""


def asked(name: str, value: Any, source: str) -> Options:
    """The options where one of them comes from this source."""
    if source == "an argument":
        return Scrypath(**{name: value}).options
    if source == "the environment":
        return resolve(from_environment({f"SCRYPATH_{name.upper()}": value}))
    app = Celery("odd", set_as_current=False)
    app.conf[f"scrypath_{name}"] = value
    return Scrypath(app).options


@pytest.mark.parametrize("source", ["an argument", "the environment", "the Celery configuration"])
@pytest.mark.parametrize("name", NAMES)
def test_no_source_and_no_option_takes_what_is_absurd(name: str, source: str) -> None:
    text = is_text(name, get_type_hints(Options)[name]) or name == "include"
    given: list[Any] = [one for one in ODD if not (text and one == "9" * 5_000)] + ([] if text else list(WORDS))
    for value in given:
        with pytest.raises(ConfigError) as refused:
            asked(name, value, source)
        told = str(refused.value)
        assert told.startswith(f"option {name!r} must be ")
        assert "\n" not in told
        assert len(told) < 200


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
