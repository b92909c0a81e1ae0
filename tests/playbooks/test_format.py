"""What a playbook may say, and how every fault is named with its file, its place and its reason."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from scrypath_celery.errors import PlaybookError
from scrypath_celery.playbooks import format as playbook_format
from scrypath_celery.playbooks import options
from scrypath_celery.playbooks.directory import check, load, validated
from scrypath_celery.playbooks.format import faults
from scrypath_celery.searching.query.per_query import RULES
from tests.commands import invoke
from tests.imports import ROOT

EXAMPLES = ROOT.parent / "examples" / "playbooks"

ONE: dict[str, Any] = {"playbook_format": 1, "mode": "search", "schema": "Post", "q": "tea"}
MANY: dict[str, Any] = {"playbook_format": 1, "mode": "search_many", "entries": [["Post", "tea", {}]]}


def places(document: Any) -> list[str]:
    return [fault.place for fault in faults(document)]


def test_the_examples_have_no_faults() -> None:
    checked = validated(EXAMPLES)
    assert len(checked) == 3
    assert [one.faults for one in checked] == [(), (), ()]
    assert load(EXAMPLES, "open-tickets").schemas == ("Ticket", "Page")


@pytest.mark.parametrize(
    "document",
    [
        ONE,
        MANY,
        {**ONE, "opts": {}},
        {**ONE, "title": "é" * 100, "description": "x" * 2_000, "tags": ["x" * 64] * 20},
        {**ONE, "opts": {"page": {"size": 50}, "filter": {"any": [{"a": 1}]}, "sort": "-a"}},
        {**MANY, "entries": [[":all", "", {}]], "opts": {"global_schemas": ["Post"]}},
        {**MANY, "entries": [["Post", "", {"federation_weight": 0.5}]] * 10},
    ],
)
def test_what_is_within_the_limits_has_no_faults(document: Any) -> None:
    assert faults(document) == []


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], [""]),
        ({}, ["playbook_format"]),
        ({**ONE, "playbook_format": 2}, ["playbook_format"]),
        ({**ONE, "playbook_format": True}, ["playbook_format"]),
        ({**ONE, "mode": "find"}, ["mode"]),
        ({**ONE, "entries": []}, ["entries"]),
        ({**ONE, "results": []}, ["results"]),
        ({**ONE, "schema": ""}, ["schema"]),
        ({**ONE, "schema": ":all"}, ["schema"]),
        ({**ONE, "q": None}, ["q"]),
        ({**ONE, "opts": []}, ["opts"]),
        ({**ONE, "title": "é" * 101}, ["title"]),
        ({**ONE, "description": "x" * 2_001}, ["description"]),
        ({**ONE, "tags": ["a"] * 21}, ["tags"]),
        ({**ONE, "tags": ["", "é" * 33]}, ["tags[0]", "tags[1]"]),
        ({**ONE, "opts": {"limit": 3}}, ["opts.limit"]),
        ({**ONE, "opts": {"tenant": "acme"}}, ["opts.tenant"]),
        ({**ONE, "opts": {"max_schemas": 3}}, ["opts.max_schemas"]),
        ({**ONE, "opts": {"federation_weight": 1}}, ["opts.federation_weight"]),
        ({**ONE, "opts": {"page": {"size": 51}}}, ["opts.page.size"]),
        ({**ONE, "opts": {"page": {"size": 0, "number": True}}}, ["opts.page.size", "opts.page.number"]),
        ({**ONE, "opts": {"page": 2}}, ["opts.page"]),
        ({**ONE, "opts": {"page": {"offset": 2}}}, ["opts.page.offset"]),
        ({**ONE, "opts": {"facets": "a"}}, ["opts.facets"]),
        ({**ONE, "opts": {"facets": [{"base": "a", "levels": 2}]}}, ["opts.facets"]),
        ({**ONE, "opts": {"per_query": {"synonyms": {}}}}, ["opts.per_query.synonyms"]),
        ({**ONE, "opts": {"per_query": {"highlight": "a"}}}, ["opts.per_query.highlight"]),
        ({**ONE, "opts": {"meilisearch_api_key": "x"}}, ["opts.meilisearch_api_key"]),
        ({**ONE, "opts": {"filter": {"any": [{"Api-Key": "x"}]}}}, ["opts.filter.any[0].Api-Key"]),
        ({**ONE, "backend": "x"}, ["backend"]),
        ({**MANY, "q": "x"}, ["q"]),
        ({**MANY, "entries": []}, ["entries"]),
        ({**MANY, "entries": [["Post", "", {}]] * 11}, ["entries"]),
        ({**MANY, "entries": [["Post", ""], ["Post", 1, []]]}, ["entries[0]", "entries[1][1]", "entries[1][2]"]),
        ({**MANY, "entries": [[":all", "", {}]]}, ["entries[0][0]"]),
        ({**MANY, "entries": [["Post", "", {"federation_weight": True}]]}, ["entries[0][2].federation_weight"]),
        ({**MANY, "entries": [["Post", "", {"max_schemas": 1}]]}, ["entries[0][2].max_schemas"]),
        ({**MANY, "opts": {"max_schemas": 11}}, ["opts.max_schemas"]),
        ({**MANY, "opts": {"federation_timeout": 0}}, ["opts.federation_timeout"]),
        ({**MANY, "opts": {"global_schemas": []}}, ["opts.global_schemas"]),
        ({**MANY, "opts": {"federation_weight": 1}}, ["opts.federation_weight"]),
    ],
)
def test_every_fault_is_named_by_its_place(document: Any, expected: list[str]) -> None:
    assert places(document) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "is not JSON: Expecting property name"),
        (b'{"a": 1, "a": 2}', "has the key 'a' twice"),
        (b'{"a": NaN}', "holds NaN, which is not JSON"),
        (b"\xff", "is not text in UTF-8"),
        (b"[" * 100_000, "is nested too deeply|is not JSON"),
        (b" " * 1_000_001, "holds more than"),
    ],
)
def test_a_file_without_json_is_a_fault(tmp_path: Path, text: bytes, reason: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text)
    (fault,) = check(path).faults
    assert any(one in fault.reason for one in reason.split("|"))


def test_only_plain_json_files_of_the_directory_itself_are_read(tmp_path: Path) -> None:
    for name in ("b.json", ".hidden.json", "notes.txt", "a.json"):
        (tmp_path / name).write_text(json.dumps(ONE))
    (tmp_path / "inner.json").mkdir()
    (tmp_path / "inner.json" / "c.json").write_text("{")
    assert [one.file for one in validated(tmp_path)] == ["a.json", "b.json"]
    with pytest.raises(PlaybookError, match=r"no playbook '\.\./a'"):
        load(tmp_path, "../a")


def test_the_command_needs_no_application_and_tells_every_fault(tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(json.dumps(ONE))
    fine = invoke("playbooks", "validate", str(tmp_path))
    assert (fine.exit_code, fine.stdout) == (0, "playbooks=1 with_faults=0\n")
    (tmp_path / "bad.json").write_text(json.dumps({**ONE, "q": 1, "opts": {"page": {"size": 99}}}))
    found = invoke("playbooks", "validate", str(tmp_path))
    assert found.exit_code == 1
    assert found.stdout.splitlines() == [
        "bad.json: q: must be text (empty for everything)",
        "bad.json: opts.page.size: must be at most 50",
        "playbooks=2 with_faults=1",
    ]
    shown = json.loads(invoke("playbooks", "validate", str(tmp_path), "--json").stdout)
    assert (shown["version"], shown["faults"], shown["files"][1]) == (
        1,
        2,
        {"file": "good.json", "valid": True, "faults": []},
    )
    nowhere = invoke("playbooks", "validate", str(tmp_path / "nowhere"))
    assert (nowhere.exit_code, nowhere.stdout) == (1, "")
    assert "there is no directory" in nowhere.stderr


def test_playbooks_are_listed_and_shown_without_an_application() -> None:
    listed = invoke("playbooks", "list", "--dir", str(EXAMPLES))
    assert listed.stdout.splitlines()[0] == "drafts-about-kettles: Drafts about kettles"
    shown = invoke("playbooks", "show", "kettles-everywhere", "--dir", str(EXAMPLES), "--json")
    assert json.loads(shown.stdout)["playbook"]["entries"][1] == ["Page", "kettle", {}]
    missing = invoke("playbooks", "show", "nothing", "--dir", str(EXAMPLES))
    assert (missing.exit_code, "there is no playbook 'nothing'" in missing.stderr) == (1, True)


def test_the_schema_that_ships_has_the_same_keys() -> None:
    shipped = json.loads((files("scrypath_celery.playbooks") / "playbook.schema.json").read_text())
    one, many = shipped["oneOf"]
    assert set(one["properties"]) == set(playbook_format.KEYS["search"])
    assert set(many["properties"]) == set(playbook_format.KEYS["search_many"])
    assert set(one["properties"]["opts"]["properties"]) == set(options.SEARCH)
    assert set(many["properties"]["opts"]["properties"]) == {*options.SEARCH, *options.SHARED}
    entry = many["properties"]["entries"]["items"]["prefixItems"][2]["properties"]
    assert set(entry) == {*options.SEARCH, "federation_weight"}
    assert set(shipped["$defs"]["per_query"]["properties"]) == set(RULES)
