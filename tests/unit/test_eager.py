"""Whether tasks are eager is read from Celery's configuration, as it is at that moment."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery import Celery

from scrypath_celery.eager import Eager


def test_a_change_of_the_configuration_is_seen_at_once() -> None:
    app, eager = Celery("shop", set_as_current=False), Eager()
    found = [eager.now(app)]
    for value in (True, False, True):
        app.conf.task_always_eager = value
        found.append(eager.now(app))
    del app.conf["task_always_eager"]
    assert [*found, eager.now(app)] == [False, True, False, True, False]


@pytest.mark.parametrize(
    ("namespace", "name"),
    [(None, "task_always_eager"), ("CELERY", "CELERY_TASK_ALWAYS_EAGER"), ("job", "job_task_always_eager")],
)
def test_the_setting_is_found_as_its_namespace_spells_it(namespace: str | None, name: str) -> None:
    app, eager = Celery("shop", set_as_current=False), Eager()
    app.config_from_object(SimpleNamespace(**{name: True}), namespace=namespace)
    assert (eager.now(app), eager.now(app)) == (True, True)


def test_another_configuration_of_the_app_takes_the_place_of_the_first() -> None:
    app, eager = Celery("shop", set_as_current=False), Eager()
    assert (eager.now(app), eager.now(app)) == (False, False)
    app.config_from_object({"task_always_eager": True}, force=True)
    assert eager.now(app)
