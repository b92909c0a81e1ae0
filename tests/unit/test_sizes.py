"""Modules, functions and names that fit in a head."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.imports import ROOT

LINES_A_MODULE = 350
LINES_A_FUNCTION = 60
LETTERS_A_TEST = 80

TREES = [ROOT, ROOT.parent / "tests", ROOT.parent / "examples"]
FILES = [path for tree in TREES for path in sorted(tree.rglob("*.py"))]


@cache
def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a file."""
    found = ast.walk(ast.parse(path.read_text()))
    return [node for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_modules_and_their_functions_are_short() -> None:
    long = {}
    for path in FILES:
        lines = len(path.read_text().splitlines())
        if lines > LINES_A_MODULE:
            long[str(path)] = lines
        for node in functions(path):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LINES_A_FUNCTION:
                long[f"{path}: {node.name}"] = lines
    assert long == {}


def test_names_of_tests_are_sentences_that_fit_in_a_line() -> None:
    long = {
        f"{path}: {node.name}"
        for path in FILES
        for node in functions(path)
        if node.name.startswith("test_")
        if len(node.name) > LETTERS_A_TEST or "__" in node.name
    }
    assert long == set()
