"""Flower, as an operator sees it: each kind of task is found by schema and by work id, and nothing private is shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scrypath_celery.testing.engine import engine_under_test
from tests.browser.stage import CANARY, SECONDS, Stage, played
from tests.deadline import eventually

pytestmark = pytest.mark.acceptance

EXPECTED = {
    "success": ("SUCCESS", "sync"),
    "rebuild": ("SUCCESS", "reindex"),
    "backfill": ("SUCCESS", "backfill"),
    "repair": ("SUCCESS", "repair"),
    "dead letter": ("FAILURE", "sync"),
    "retry": ("RETRY", "sync"),
    "hang": ("FAILURE", "sync"),
}
"""The state and the operation that Flower shows of each kind of work."""

each_kind = pytest.mark.parametrize("kind", EXPECTED)


@pytest.fixture(scope="module")
def stage(flower_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """All that can become of work, once."""
    with engine_under_test() as engine, played(engine, tmp_path_factory.mktemp("flower")) as stage:
        yield stage


@each_kind
def test_a_task_is_found_by_its_work_and_says_how_it_ended(stage: Stage, kind: str) -> None:
    state, operation = EXPECTED[kind]
    search = f"id={stage.works[kind]} kwargs:operation={operation}"
    [task] = eventually(
        lambda: [one for one in stage.tasks("Post") if one in stage.tasks(search) and one["state"] == state][:1],
        seconds=SECONDS,
        what=f"Flower shows {search} as {state}",
    )
    assert task["args"].startswith("Post: ")
    if state != "SUCCESS":
        assert f"id={stage.works[kind]}" in task["exception"]


@pytest.mark.parametrize("kind", ["dead letter", "hang"])
def test_a_dead_letter_leaves_its_event(stage: Stage, kind: str) -> None:
    said = f"Post: 1 failed works: id={stage.works[kind]} "
    assert [task["state"] for task in stage.tasks(f'"{said}"')] == ["FAILURE"]


@pytest.mark.parametrize("path", ["/api/tasks", "/api/workers?refresh=1", "/metrics", "/", "/tasks", "/broker"])
def test_nothing_private_is_in_any_answer(stage: Stage, path: str) -> None:
    answer = stage.get(path)
    assert answer
    assert CANARY not in answer
    assert stage.shop.setup.database not in answer


def search(browser: Any, text: str, *shown: str) -> None:
    """Search Flower's table of tasks for a text, and wait until a row shows all that is expected."""
    box = eventually(lambda: browser.find_elements("css selector", "input[type=search]"), what="the page is there")[0]
    box.clear()
    box.send_keys(text)

    def found() -> bool:
        script = "return [...document.querySelectorAll('#tasks-table tbody tr')].map(row => row.innerText)"
        return any(all(part in row for part in (*text.split(), *shown)) for row in browser.execute_script(script))

    eventually(found, seconds=SECONDS, what=f"the table shows {shown} for {text!r}")


@each_kind
def test_a_browser_finds_a_task_by_schema_and_work(stage: Stage, browser: Any, kind: str) -> None:
    state, operation = EXPECTED[kind]
    work = f"id={stage.works[kind]}"
    browser.get(f"{stage.url}/tasks")
    search(browser, "Post", "Post: ")
    assert CANARY not in browser.page_source
    picture(browser, "flower-tasks")
    search(browser, f"Post {work}", state, operation)
    assert CANARY not in browser.page_source


@each_kind
def test_the_page_of_a_task_shows_nothing_private(stage: Stage, browser: Any, kind: str) -> None:
    [task, *_] = stage.tasks(f"id={stage.works[kind]}")
    browser.get(f"{stage.url}/task/{task['uuid']}")
    assert f"id={stage.works[kind]}" in browser.page_source
    assert CANARY not in browser.page_source
    picture(browser, f"flower-{kind.replace(' ', '-')}")


def picture(browser: Any, name: str) -> None:
    """Keep a picture of what the browser shows in the folder that SCRYPATH_TEST_PICTURES names."""
    folder = os.environ.get("SCRYPATH_TEST_PICTURES")
    if folder:
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))
