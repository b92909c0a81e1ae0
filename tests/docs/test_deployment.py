"""The files of examples/deployment are valid, and say what the page says."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import yaml

from tests.docs.page import CHECKOUT, SHELL, blocks
from tests.docs.shell_blocks import commands
from tests.services.absence import absent

FOLDER = CHECKOUT / "examples" / "deployment"
PAGE = CHECKOUT / "docs" / "deployment.md"


def _compose() -> list[str]:
    """Docker Compose, as a plugin or as a program."""
    kinds = [["docker", "compose"], ["docker-compose"]]
    there = [one for one in kinds if shutil.which(one[0]) and subprocess.call([*one, "version"], stdout=DEVNULL) == 0]
    if not there:
        absent("Docker Compose", "there is neither `docker compose` nor `docker-compose`")
    return there[0]


def _services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    return found


def _on_the_page() -> set[str]:
    return {command for one in blocks(PAGE) if one.language == SHELL for command in commands(one.text)}


def test_the_compose_file_is_valid(tmp_path: Path) -> None:
    done = subprocess.run(
        [*_compose(), "-f", str(FOLDER / "compose.yaml"), "config"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == set(_services())


def test_the_services_run_the_commands_of_the_page() -> None:
    found = {name: service["command"] for name, service in _services().items() if "command" in service}
    assert set(found) == {"ledger", "web", "worker1", "worker2", "flower"}
    assert set(found.values()) <= _on_the_page()


def test_the_services_are_built_from_files_that_are_there() -> None:
    for service in _services().values():
        if "build" in service:
            context = (FOLDER / service["build"]["context"]).resolve()
            assert context == CHECKOUT.resolve()
            assert (context / service["build"]["dockerfile"]).exists()


def test_systemd_and_kubernetes_start_the_workers_of_the_page() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(FOLDER / "scrypath-worker@.service")
    pod = yaml.safe_load((FOLDER / "kubernetes.yaml").read_text())["spec"]["template"]["spec"]
    for words in (shlex.split(unit["Service"]["ExecStart"]), pod["containers"][0]["command"]):
        assert [Path(words[0]).name, *words[1:7]] == ["celery", "-A", "shop", "worker", "-Q", "search_sync", "-E"]
