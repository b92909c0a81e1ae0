"""Blocks of shell: each command of them is run, and has to end as it should."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
from collections.abc import Iterator

from tests.docs.page import CHECKOUT, Block
from tests.docs.programs import plain, ready
from tests.docs.stage import Stage
from tests.processes import run as program

OURS = re.compile(r"(?:\w+=\S+ )*(?:scrypath-celery|celery .*\bscrypath) ")
EMBEDDED = re.compile(r"scrypath-celery (dev|engine)\b")
INSTALL = re.compile(r"python3 -m pip install (.*)")


CURL = 'curl() { command curl -sS --fail-with-body --retry 20 --retry-all-errors --retry-delay 1 "$@"; }'
"""A request must succeed, a moment later at the latest."""


def run(block: Block, stage: Stage) -> None:
    """Run the commands of a block, one after the other.

    Ours may also end with 2: done, and something was found.
    """
    for command in commands(block.text):
        if command.startswith("export "):
            os.environ |= dict(word.split("=", 1) for word in shlex.split(stage.moved(command))[1:])
        elif command.startswith("cd "):
            stage.enter(CHECKOUT / command.removeprefix("cd "))
        elif found := INSTALL.fullmatch(command):
            _check_extras(found.group(1))
        elif said := ready(command):
            if found := EMBEDDED.search(command):
                stage.renew(*((7700, 6379) if found.group(1) == "dev" else (7700,)))
                command += " --engine-port 7700 --broker-port 6379" if found.group(1) == "dev" else ""
            stage.programs.start(stage.moved(command.removesuffix("&")), said)
        else:
            _run(stage.moved(command))


def commands(text: str) -> Iterator[str]:
    """The commands of a block: lines, joined where they are continued, without comments."""
    for line in text.replace("\\\n", " ").splitlines():
        command = re.sub(r"(^|\s+)#.*$", "", line).strip()
        if command:
            yield command


def _run(command: str) -> None:
    words = plain(command) or ["bash", "-o", "pipefail", "-ec", f"{CURL}\n{command}"]
    done = program(words, stdin=subprocess.DEVNULL)
    print(f"$ {command}\n{done.stdout}{done.stderr}")  # noqa: T201 - shown where the page fails
    assert done.returncode in ((0, 2) if OURS.match(command) else (0,)), f"{command}: exit code {done.returncode}"


def _check_extras(packages: str) -> None:
    """What a page installs is not installed anew, but what it names of ours must be there."""
    setup = configparser.ConfigParser()
    setup.read(CHECKOUT / "setup.cfg")
    extras = set(setup["options.extras_require"])
    named = {extra for found in re.findall(r"scrypath-celery\[(.+?)\]", packages) for extra in found.split(",")}
    assert named <= extras, f"no such extras: {named - extras}"
