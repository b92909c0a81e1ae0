"""Blocks of Python: a file, tests, or statements that go on from those above."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import subprocess
import sys
import tokenize
from io import StringIO
from typing import Any

from tests.docs.page import Block
from tests.docs.stage import Stage

FILE = re.compile(r"# ([\w/.-]+\.\w+)\n")
"""The first line of a block that is a file."""


def run(block: Block, stage: Stage, names: dict[str, Any]) -> None:
    """Run a block of a page in the names that those before have left.

    One that begins with the name of a file is written there. One with tests in it is a file that pytest runs. A literal
    in the comment behind an expression is what the expression has to give.
    """
    if found := FILE.match(block.text):
        stage.write(found.group(1), block.text)
        return
    tree = ast.parse(block.text)
    if any(isinstance(one, ast.FunctionDef) and one.name.startswith("test_") for one in tree.body):
        _run_tests(block, stage)
        return
    text = stage.moved(block.text)
    wanted = _comments(text)
    for statement in ast.parse(text).body:
        last = statement.end_lineno or 0
        value = _value(ast.increment_lineno(statement, block.line - 1), names, stage.runner)
        if isinstance(statement, ast.Expr) and last in wanted:
            line = last + block.line - 1
            assert value == wanted[last], f"line {line}: {value!r}, and the page says {wanted[last]!r}"


def _value(statement: ast.stmt, names: dict[str, Any], runner: asyncio.Runner) -> Any:
    """What a statement gives: the value of an expression, else None. `await` is allowed at the top level."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    if isinstance(statement, ast.Expr):
        code = compile(ast.Expression(statement.value), "page", "eval", flags, dont_inherit=True)
    else:
        code = compile(ast.Module([statement], []), "page", "exec", flags, dont_inherit=True)
    value = eval(code, names)
    return runner.run(value) if inspect.iscoroutine(value) else value


def _comments(text: str) -> dict[int, Any]:
    """The literals in comments behind code, by line."""
    found = {}
    for token in tokenize.generate_tokens(StringIO(text).readline):
        if token.type == tokenize.COMMENT and token.line.lstrip() != token.string:
            try:
                found[token.start[0]] = ast.literal_eval(token.string.lstrip("# "))
            except (SyntaxError, ValueError):
                continue  # it is prose
    return found


def _run_tests(block: Block, stage: Stage) -> None:
    file = stage.write(f"test_line_{block.line}.py", block.text)
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", file.name]
    done = subprocess.run(command, cwd=stage.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
