"""Where an exception came out of the application."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scrypath_celery.declaration.json_values import json_value
from scrypath_celery.source.failures import crash, place_of


def raised(function: Callable[[], object]) -> Exception:
    try:
        function()
    except Exception as exc:  # noqa: BLE001 - any will do
        return exc
    raise AssertionError("it raised nothing")


def application(folder: Path, body: str) -> Callable[[], object]:
    """A function `project` of an application in `folder`, with this body."""
    path = folder / "shop.py"
    space: dict[str, Callable[[], object]] = {"json_value": json_value, "json": json}  # type: ignore[dict-item]
    exec(compile(f"def project():\n    {body}\n", str(path), "exec"), space)
    return space["project"]


BODIES = {
    "its own code": "raise KeyError('secret')",
    "the standard library, called by it": "json.loads('secret')",
    "this package, called by it": "json_value(object())",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_the_place_is_the_innermost_line_of_the_application(tmp_path: Path, body: str) -> None:
    place = place_of(raised(application(tmp_path, body)))
    assert place == f"{tmp_path}/shop.py:2 in project"


def test_an_installed_application_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrypath_celery.source.failures._INSTALLED", (str(tmp_path), str(Path(__file__).parent)))
    assert place_of(raised(application(tmp_path, BODIES["its own code"]))) == f"{tmp_path}/shop.py:2 in project"


def test_what_an_exception_says_is_left_out_unless_it_is_asked_for(tmp_path: Path) -> None:
    exc = raised(application(tmp_path, "raise ValueError('a\\nsecret')"))
    place = f"its projection raised ValueError at {tmp_path}/shop.py:2 in project"
    assert crash(exc).reason == place
    assert crash(exc, text=True).reason == f"{place}: a secret"
