"""The pages that people read first hold what they say: their code compiles, their links lead somewhere."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.imports import ROOT

CHECKOUT = ROOT.parent
PAGES = [*sorted(CHECKOUT.glob("*.md")), *sorted((CHECKOUT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)[^)]*\)")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page that are written in one of `languages`."""
    return [text for language, text in BLOCK.findall(page.read_text()) if language in languages]


@each_page
def test_python_in_a_page_compiles(page: Path) -> None:
    for text in blocks(page, "python"):
        ast.parse(text)


@each_page
def test_links_in_a_page_lead_to_files(page: Path) -> None:
    assert [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()] == []


@each_page
def test_nox_sessions_in_a_page_exist(page: Path) -> None:
    file = (CHECKOUT / "noxfile.py").read_text()
    sessions = {
        *re.findall(r"@nox\.session(?:\(\w+=\S+\))?\ndef (\w+)", file),
        *re.findall(r'session\(name="([\w-]+)"', file),
    }
    assert "tests" in sessions
    assert set(re.findall(r"nox -s ([\w-]+)", page.read_text())) - sessions == set()


def test_the_readme_opens_with_the_two_commands_of_a_fresh_checkout() -> None:
    first, second = blocks(CHECKOUT / "README.md", "sh")[:2]
    assert first.strip() == "python3 -m pip install nox && python3 -m nox -s demo"
    assert second.strip() == "python3 -m pip install nox && python3 -m nox -s tests"


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    script = (CHECKOUT / ".ci" / "run").read_text()
    assert "python3 -m pip install nox && python3 -m nox -s tests" in script
    assert "README.md" in script
