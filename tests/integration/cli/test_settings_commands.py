"""The commands of settings and contract drift: lines, JSON, exit codes, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scrypath_celery.ledger import declared, engine_uids, indexes, notes
from scrypath_celery.operator.settings_apply import finish
from tests.integration.cli.conftest import Run, document
from tests.integration.cli.posts import HERE, filled, index_of, write_by_hand
from tests.shop import Post, Shop

AWAY = ("--meilisearch-url", "http://127.0.0.1:1")


def change(shop: Shop, settings: dict[str, Any]) -> None:
    """Change settings by hand."""
    engine = shop.search.runtime.engine
    finish(shop.search.runtime, engine.apply(index_of(shop), settings), index_of(shop))


def hot_file(folder: Path, text: str) -> str:
    """A settings file."""
    file = folder / "hot.json"
    file.write_text(text)
    return str(file)


def test_settings_diff_exits_0_on_parity_and_2_on_drift(run: Run, shop: Shop) -> None:
    filled(shop)
    assert run("settings", "diff", "Post").exit_code == 0
    change(shop, {"searchableAttributes": ["body"]})
    result = run("settings", "diff", "Post", "--json")
    found = document(result)
    assert (result.exit_code, found["status"]) == (2, "drift")
    assert found["drift"] == [{"key": "searchable", "declared": ["title", "body"], "applied": ["body"]}]
    assert "  searchable:" in run("settings", "diff").stdout


def test_settings_that_cannot_be_compared_exit_1(run: Run) -> None:
    for command in (("settings", "diff"), ("index", "contract-drift"), ("verify",)):
        result = run(*command, "Post", *AWAY)
        assert result.exit_code == 1
        assert result.stderr.startswith("Error: Meilisearch at http://127.0.0.1:1")


def test_settings_apply_prepares_a_missing_index_with_its_key(run: Run, shop: Shop) -> None:
    assert document(run("settings", "diff", "--json"))["status"] == "missing"
    assert "would be created" in run("settings", "apply", "--dry-run").stdout
    result = run("settings", "apply", "--all")
    assert (result.exit_code, "created" in result.stdout) == (0, True)
    live = shop.search.runtime.engine.index(index_of(shop))
    assert live is not None
    assert live["primaryKey"] == "id"
    assert run("settings", "diff", "--all").exit_code == 0


def test_settings_apply_sends_only_what_differs(run: Run, shop: Shop) -> None:
    filled(shop)
    assert document(run("settings", "apply", "Post", "--json"))["applied"] == []
    change(shop, {"searchableAttributes": ["body"], "stopWords": ["kept"]})
    assert document(run("settings", "apply", "Post", "--json"))["applied"] == ["searchable"]
    read = document(run("settings", "read", "Post", "--json"))["settings"]
    assert (read["searchable"], read["stop_words"]) == (["title", "body"], ["kept"])


def test_settings_read_of_no_index_names_the_remedy(run: Run) -> None:
    result = run("settings", "read", "Post")
    assert result.exit_code == 2
    assert "settings apply Post" in result.stdout


def test_a_schema_and_all_together_are_a_wrong_command_line(run: Run) -> None:
    assert run("settings", "diff", "Post", "--all").exit_code == 64
    assert run("verify", "Post", "--sample", "3", "--full").exit_code == 64


@pytest.mark.parametrize(
    ("text", "flags", "code"),
    [
        ('{"stop_words": ["the"]}', (), "live_ack_required"),
        ("{}", ("--ack-live",), "empty_hot_apply_payload"),
        ('{"stop_words": [], "ranking_rules": []}', ("--ack-live",), "unsupported_hot_apply_keys"),
        ('{"stop_words": "the"}', ("--ack-live",), "settings"),
        ("[]", ("--ack-live",), "settings"),
    ],
)
def test_a_hot_apply_is_refused_by_code_before_any_request(
    run: Run, tmp_path: Path, text: str, flags: tuple[str, ...], code: str
) -> None:
    file = hot_file(tmp_path, text)
    # The engine is not there: a request would fail with another code.
    result = run("settings", "hot-apply", "Post", "--settings-file", file, *flags, "--json", *AWAY)
    assert (result.exit_code, document(result)["error"]["code"]) == (1, code)


def test_a_hot_apply_that_the_engine_does_not_take_says_so(run: Run, tmp_path: Path) -> None:
    file = hot_file(tmp_path, '{"stop_words": ["the"]}')
    result = run("settings", "hot-apply", "Post", "--settings-file", file, "--ack-live", "--json")
    assert (result.exit_code, document(result)["error"]["code"]) == (1, "hot_apply_failed")


def test_a_hot_apply_is_live_noted_and_forgotten_by_the_next_apply(run: Run, shop: Shop, tmp_path: Path) -> None:
    filled(shop)
    file = hot_file(tmp_path, '{"synonyms": [["car", "auto"]], "stop_words": ["the"]}')
    assert run("settings", "hot-apply", "Post", "--settings-file", file, "--ack-live").exit_code == 0
    live = shop.search.runtime.engine.settings(index_of(shop)) or {}
    assert (live["synonyms"], live["stopWords"]) == ({"auto": ["car"], "car": ["auto"]}, ["the"])
    [note] = document(run("settings", "diff", "Post", "--json"))["hot_applied"]
    assert (note["keys"], "@" in note["by"]) == (["stop_words", "synonyms"], True)
    assert (
        "hot-applied settings are dropped"
        in run("reconcile", "Post", "--action", "reindex", "--no-cutover", *HERE).stderr
    )
    shop.search.ledger.run(lambda tx: notes.forget_hot_applies(tx, "posts", ["synonyms"]))
    assert document(run("settings", "diff", "Post", "--json"))["hot_applied"][0]["keys"] == ["stop_words"]


def test_a_hot_apply_during_a_rebuild_goes_to_both_indexes(run: Run, shop: Shop, tmp_path: Path) -> None:
    filled(shop)
    target = shop.search.reindex(Post, cutover=False, sync_mode="inline").target
    file = hot_file(tmp_path, '{"stop_words": ["the"]}')
    result = run("settings", "hot-apply", "Post", "--settings-file", file, "--ack-live", "--json")
    assert document(result)["indexes"] == [index_of(shop), target]
    for index in (index_of(shop), target):
        assert (shop.search.runtime.engine.settings(index) or {})["stopWords"] == ["the"]


def test_a_rebuild_forgets_what_was_hot_applied_once_it_is_cut_over(run: Run, shop: Shop, tmp_path: Path) -> None:
    filled(shop)
    file = hot_file(tmp_path, '{"stop_words": ["the"]}')
    assert run("settings", "hot-apply", "Post", "--settings-file", file, "--ack-live").exit_code == 0
    assert run("reindex", "Post", "--no-cutover", *HERE).exit_code == 0
    assert document(run("settings", "diff", "Post", "--json"))["hot_applied"]
    assert "hot-applied settings are dropped" in run("reindex", "Post", *HERE).stderr
    assert document(run("settings", "diff", "Post", "--json"))["hot_applied"] == []
    assert (shop.search.runtime.engine.settings(index_of(shop)) or {})["stopWords"] == []


def test_a_changed_declaration_is_named_with_its_remedy(run: Run, shop: Shop) -> None:
    filled(shop)
    old = {**shop.search.schemas.of(Post).declared, "settings": {"searchableAttributes": ["title"]}}
    shop.search.ledger.run(lambda tx: declared.put(tx, "posts", old))
    result = run("index", "contract-drift", "Post")
    assert (result.exit_code, "searchable: changed" in result.stdout) == (2, True)
    assert "to fix it: `scrypath-celery -A the_shop settings apply Post`" in result.stdout
    result = run("reconcile", "Post")
    assert (result.exit_code, "settings apply Post" in result.stdout) == (2, True)
    assert "contract: drift" in run("status", "Post").stdout
    assert run("settings", "apply", "Post").exit_code == 0
    assert run("index", "contract-drift", "Post").exit_code == 0


def test_an_index_of_another_application_is_refused_by_code(run: Run, shop: Shop) -> None:
    shop.search.ledger.run(lambda tx: indexes.ensure(tx, "other"))
    shop.search.ledger.run(lambda tx: engine_uids.note(tx, "other", index_of(shop)))
    for command in (("settings", "apply"), ("reindex",)):
        result = run(*command, "Post", "--json")
        assert (result.exit_code, document(result)["error"]["code"]) == (1, "index_taken")


def test_contract_drift_names_each_dimension(run: Run, shop: Shop) -> None:
    filled(shop)
    result = run("index", "contract-drift", "Post", "--json")
    found = document(result)
    assert (result.exit_code, found["match"]) == (0, True)
    assert set(found["dimensions"]) == {
        "fields",
        "filterable_attributes",
        "sortable_attributes",
        "faceting",
        "settings",
    }
    change(shop, {"searchableAttributes": ["body", "other"]})
    result = run("index", "contract-drift", "Post", "--json")
    found = document(result)
    assert (result.exit_code, found["remedies"]) == (2, ["settings_apply"])
    details = found["dimensions"]["fields"]["details"]
    assert [(one["name"], one["problem"]) for one in details] == [("title", "not_applied"), ("other", "not_declared")]


def test_contract_drift_of_no_index_says_so(run: Run) -> None:
    result = run("index", "contract-drift", "Post")
    assert result.exit_code == 2
    create = "there is no such index: `scrypath-celery -A the_shop settings apply Post` creates it"
    assert create in result.stdout
    assert create in run("settings", "diff", "Post").stdout


def test_contract_drift_says_which_triggers_are_missing(run: Run, shop: Shop) -> None:
    filled(shop)
    assert "  triggers: none\n" in run("index", "contract-drift", "Post").stdout
    run("ledger", "triggers", "install")
    found = run("index", "contract-drift", "Post")
    assert (found.exit_code, "  triggers: posts=installed\n" in found.stdout) == (0, True)
    with shop.engine.begin() as connection:
        name = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().first()
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
    found = run("index", "contract-drift", "Post")
    assert found.exit_code == 2
    assert "  triggers: posts=outdated\n" in found.stdout
    assert "scrypath-celery -A the_shop ledger triggers install Post" in found.stdout
    told = document(run("index", "contract-drift", "Post", "--json"))["triggers"]
    nothing = dict.fromkeys(("misses", "version", "wanted"))
    assert told == [{"schema": "Post", "table": "posts", "state": "outdated", **nothing}]


def test_a_declared_field_that_no_document_has_is_found(run: Run, shop: Shop) -> None:
    filled(shop)
    write_by_hand(shop, [{"id": id, "title": "a title"} for id in (1, 2, 3)])
    found = document(run("index", "contract-drift", "Post", "--json"))
    assert found["dimensions"]["fields"]["details"][0]["problem"] == "not_delivered"
    assert found["remedies"] == ["backfill"]


def test_details_of_contract_drift_are_capped(run: Run, shop: Shop) -> None:
    filled(shop)
    change(shop, {"searchableAttributes": [f"field{n}" for n in range(90)]})
    fields = document(run("index", "contract-drift", "Post", "--json"))["dimensions"]["fields"]
    assert (len(fields["details"]), fields["truncated"]) == (50, True)


def test_settings_changed_by_hand_are_a_signal_with_the_cheapest_action(run: Run, shop: Shop) -> None:
    filled(shop)
    change(shop, {"searchableAttributes": ["body"]})
    result = run("reconcile", "Post")
    assert result.exit_code == 2
    assert "signals: contract_drift" in result.stdout
    assert "scrypath-celery -A the_shop settings apply Post" in result.stdout
    assert "contract: drift" in run("status", "Post").stdout
    [one] = document(run("reconcile", "--include-contract-drift", "--json"))["indexes"]
    assert one["contract"]["match"] is False


def test_commands_for_all_schemas_exit_with_the_worst_code(run: Run, shop: Shop) -> None:
    assert run("settings", "diff", "--all").exit_code == 2
    assert run("settings", "read", "--all").exit_code == 2
    result = run("settings", "apply", "--all", "--json", *AWAY)
    [one] = document(result)["indexes"]
    assert (result.exit_code, one["error"]["code"]) == (1, "engine_unreachable")
    filled(shop)
    assert document(run("settings", "read", "--all", "--json"))["indexes"][0]["settings"]["searchable"]


def test_settings_apply_of_everything_sends_what_does_not_differ_too(run: Run, shop: Shop) -> None:
    filled(shop)
    assert document(run("settings", "apply", "Post", "--everything", "--json"))["applied"] == ["searchable"]


def test_an_index_created_by_settings_apply_bears_its_fingerprint(run: Run, shop: Shop) -> None:
    run("settings", "apply", "Post")
    row = shop.search.ledger.run(lambda tx: indexes.get(tx, "posts"))
    assert row is not None
    assert row.fingerprint == shop.search.schemas.of(Post).fingerprint()
