"""Finding the application of a command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from celery import Celery

from scrypath_celery import Scrypath
from scrypath_celery.cli.application import celery_of, imported, named, scrypath_of
from scrypath_celery.cli.console import called
from scrypath_celery.errors import ConfigError


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SCRYPATH_APP", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def module(project: Path, name: str, text: str) -> str:
    (project / f"{name}.py").write_text(f"from celery import Celery\n{text}\n")
    return name


def test_the_flag_comes_before_the_variable_and_the_variable_before_the_files(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "setup.cfg").write_text("[scrypath-celery]\napp = from_setup\n")
    (project / "pyproject.toml").write_text('[tool.scrypath-celery]\napp = "from_pyproject"\n')
    assert named(None, project) == "from_setup"
    (project / "setup.cfg").unlink()
    assert named(None, project) == "from_pyproject"
    monkeypatch.setenv("SCRYPATH_APP", "from_variable")
    assert named(None, project) == "from_variable"
    assert named("from_flag", project) == "from_flag"


def test_where_nothing_names_an_application_one_line_says_what_to_write_where(project: Path) -> None:
    (project / "setup.cfg").write_text("[metadata]\nname = 100%\n")
    with pytest.raises(ConfigError) as caught:
        named(None, project)
    for place in ("-A", "SCRYPATH_APP", "[tool.scrypath-celery]", "[scrypath-celery]"):
        assert place in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", b"[tool"),
        ("pyproject.toml", b"\xff"),
        ("pyproject.toml", b"[tool.scrypath-celery]\napp = 5"),
        ("pyproject.toml", b"[tool.scrypath-celery]\napq = 'shop'"),
        ("pyproject.toml", b"[tool]\nscrypath-celery = 'shop'"),
        ("setup.cfg", b"app = shop"),
        ("setup.cfg", b"\xff"),
        ("setup.cfg", b"[scrypath-celery]\napq = shop"),
    ],
)
def test_a_file_that_names_the_application_wrongly_is_named(project: Path, file: str, text: bytes) -> None:
    (project / file).write_bytes(text)
    with pytest.raises(ConfigError) as caught:
        named(None, project)
    assert file in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_module_of_the_working_directory_is_found(project: Path) -> None:
    name = module(project, "shop_by_module", 'app = Celery("by module", set_as_current=False)')
    assert imported(name).main == "by module"


@pytest.mark.parametrize("name", ["shop_by_factory:create_app", "shop_by_factory:create_app()"])
def test_a_factory_makes_the_application(project: Path, name: str) -> None:
    module(project, "shop_by_factory", 'def create_app():\n    return Celery("made", set_as_current=False)')
    assert imported(name).main == "made"


def test_a_web_application_leads_to_its_celery_app() -> None:
    class Web:
        def __init__(self, app: Celery) -> None:
            self.extensions = {"celery": app}

        def __call__(self, environ: object, start_response: object) -> None:
            raise AssertionError("a web application is not to be called")

    app = Celery("web", set_as_current=False)
    assert celery_of(Web(app), "web") is app
    assert celery_of(lambda: Web(app), "web") is app


def test_a_scrypath_leads_to_its_celery_app() -> None:
    app = Celery("behind", set_as_current=False)
    assert celery_of(Scrypath(app), "search") is app


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_such_module", "no module 'no_such_module'"),
        ("broken_shop", "ZeroDivisionError"),
        ("poor_shop", "not there: no_such_library"),
        ("empty_shop", "no Celery app in 'empty_shop'"),
        ("empty_shop:nothing", "no Celery app in 'empty_shop:nothing'"),
        ("empty_shop:number", "no Celery app"),
    ],
)
def test_what_is_wrong_with_an_application_is_said_in_one_line(project: Path, name: str, said: str) -> None:
    module(project, "broken_shop", "1 / 0")
    module(project, "poor_shop", "import no_such_library")
    module(project, "empty_shop", "number = 1")
    with pytest.raises(ConfigError) as caught:
        imported(name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_celery_app_without_a_scrypath_is_named() -> None:
    with pytest.raises(ConfigError, match="'bare' has no Scrypath"):
        scrypath_of(Celery("bare", set_as_current=False), "bare")


def test_modules_that_declare_schemas_are_imported_first(project: Path) -> None:
    for name in ("declared_by_celery", "declared_by_option"):
        module(project, name, "")
    sys.path.insert(0, str(project))
    app = Celery("including", include=["declared_by_celery"], set_as_current=False)
    scrypath_of(Scrypath(app, include=["declared_by_option"]).celery_app, "including")
    assert {"declared_by_celery", "declared_by_option"} <= set(sys.modules)


def test_a_module_that_cannot_be_included_is_named() -> None:
    app = Celery("including", include=["no_such_module"], set_as_current=False)
    Scrypath(app)
    with pytest.raises(ConfigError, match="no_such_module"):
        scrypath_of(app, "including")


@pytest.mark.parametrize("code", ["3", "'no\\nlicence'"])
def test_an_application_that_exits_while_it_is_imported_gives_one_line(project: Path, code: str) -> None:
    name = module(project, f"shop_that_exits_{len(code)}", f"import sys\nsys.exit({code})")
    with pytest.raises(ConfigError, match="exited while it was imported") as caught:
        imported(name)
    assert "\n" not in str(caught.value)


def test_a_module_that_exits_while_schemas_are_loaded_gives_one_line(project: Path) -> None:
    module(project, "schemas_that_exit", "raise SystemExit(4)")
    app = Celery("exits", include=["schemas_that_exit"], set_as_current=False)
    with pytest.raises(ConfigError, match=r"exited while it was imported \(4\)"):
        scrypath_of(app, "exits")


@pytest.mark.parametrize("program", ["scrypath-celery", "scrypath-celery -A shop", "celery -A shop scrypath"])
def test_a_recommended_command_begins_as_ours_was_called_once(program: str) -> None:
    for text in ("do `scrypath-celery retry`", f"do `{program} retry`", called("do `scrypath-celery retry`", program)):
        assert called(text, program) == f"do `{program} retry`"
