"""What the engine's own metrics say of its task database."""

from __future__ import annotations

import pytest

from scrypath_celery.engine import metrics, versions
from scrypath_celery.operator.engine_health import fill

TEXT = """# HELP meilisearch_task_queue_used_size Bytes
# TYPE meilisearch_task_queue_used_size gauge
meilisearch_task_queue_used_size 300
meilisearch_task_queue_size_until_stop_registering 100 1700000000
meilisearch_nb_tasks{kind="statuses",value="enqueued"} 7
meilisearch_odd not-a-number
"""


def test_the_fill_is_the_share_of_what_the_engine_allows() -> None:
    assert fill(metrics.read(TEXT)) == 0.75


@pytest.mark.parametrize("text", ["", "meilisearch_task_queue_used_size 3", "<html>"])
def test_where_the_engine_does_not_tell_nothing_is_said(text: str) -> None:
    assert fill(metrics.read(text)) is None


@pytest.mark.parametrize(("version", "tested"), [("1.50.0", True), ("1.50.7", True), ("1.49.0", False), ("x", False)])
def test_a_version_is_tested_by_its_major_and_minor_number(version: str, tested: bool) -> None:
    assert versions.is_tested(version) is tested
