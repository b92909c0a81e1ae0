"""The quickstart, as it is written: its files, its commands and its code, in their order."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.deadline import eventually
from tests.docs.programs import Programs
from tests.imports import ROOT
from tests.processes import OURS, environment
from tests.services.process import free_port
from tests.worker import Worker

PAGE = ROOT.parent / "docs" / "quickstart.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^## (.+)\n", re.MULTILINE)


BLOCKS = {"See it first": 1, "Install": 1, "Start an engine and a broker": 1, "Declare": 1, "Make the tables": 1}
BLOCKS |= {"Start a worker": 1, "Write": 2, "Search": 1, "Look": 2}
"""How many blocks each section has: whoever adds one adds it to the test."""


def sections() -> dict[str, str]:
    """The text of each section of the page, by its heading."""
    _, *parts = SECTION.split(PAGE.read_text())
    return dict(zip(parts[::2], parts[1::2], strict=True))


def block(section: str) -> str:
    """The first block of code of a section."""
    found: str = BLOCK.findall(sections()[section])[0][1]
    return found


def shell(commands: str, folder: Path) -> str:
    """Run commands in a folder, with this Python; what they printed."""
    lines = [f'python3() {{ "{sys.executable}" "$@"; }}', f'scrypath-celery() {{ {shlex.join(OURS)} "$@"; }}']
    script = "\n".join(["set -e", *lines, commands])
    env = environment(folder=folder)
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_no_block_of_the_quickstart_is_left_out() -> None:
    found = {name: len(BLOCK.findall(text)) for name, text in sections().items()}
    assert {name: count for name, count in found.items() if count} == BLOCKS


def test_the_quickstart_leads_to_a_searchable_record(tmp_path: Path, start_worker: Callable[..., Worker]) -> None:
    with Programs(tmp_path) as programs:
        assert block("Start an engine and a broker").strip() == "scrypath-celery dev"
        ports = {"7700": free_port(), "6379": free_port()}
        given = f"--engine-port {ports['7700']} --broker-port {ports['6379']}"
        programs.start(f"{shlex.join(OURS)} dev {given}", r"broker: \S+")
        shop = block("Declare")
        for printed, ours in ports.items():
            assert f"//127.0.0.1:{printed}" in shop
            shop = shop.replace(printed, str(ours))
        (tmp_path / "shop.py").write_text(shop)

        shell(block("Make the tables"), tmp_path)
        assert block("Start a worker").strip() == "celery -A shop worker -Q search_sync"
        worker = start_worker("shop", cwd=tmp_path, options=(), fresh=True)

        (tmp_path / "write.py").write_text(block("Write"))
        shell("python3 write.py", tmp_path)
        eventually(
            lambda: "pending=0 running=0 submitted=0" in shell("scrypath-celery -A shop status", tmp_path),
            what="the post is settled",
        )

        (tmp_path / "find.py").write_text("from shop import Post, Session, search\n" + block("Search"))
        assert shell("python3 find.py", tmp_path) == "Hello\n"

        looked = shell(block("Look"), tmp_path)
        assert "workers: 1 answered" in looked
        assert "signals: none" in looked
        assert not re.search(r"ERROR|Traceback|Cannot connect|Connection.*(lost|refused)", worker.output())

        (tmp_path / "pyproject.toml").write_text(BLOCK.findall(sections()["Look"])[1][1])
        backfilled = shell("scrypath-celery reconcile Post --action backfill", tmp_path)
        assert "scrypath-celery -A shop reconcile Post --action backfill" in PAGE.read_text()
        assert "Backfilled posts" in backfilled
