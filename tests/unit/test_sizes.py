"""Modules and functions that fit in a head."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.imports import ROOT

LINES_A_MODULE = 350
LINES_A_FUNCTION = 60

TREES = [ROOT, ROOT.parent / "tests", ROOT.parent / "examples"]
FILES = [path for tree in TREES for path in sorted(tree.rglob("*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT.parent)))
def test_a_module_and_its_functions_are_short(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= LINES_A_MODULE
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    lengths = {node.name: (node.end_lineno or node.lineno) - node.lineno + 1 for node in functions}
    assert {name: lines for name, lines in lengths.items() if lines > LINES_A_FUNCTION} == {}
