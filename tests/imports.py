"""What each module of the package imports, read from its source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "scrypath_celery"
ROOT = Path(__file__).parents[1] / PACKAGE


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import: `module` imports `target`; `lazy` inside a function, `typing` for annotations alone."""

    module: str
    target: str
    line: int
    lazy: bool
    typing: bool

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


@cache
def modules() -> dict[str, Path]:
    """Every module of the package and its file. Migrations are scripts that Alembic runs, not modules."""
    files = [path for path in sorted(ROOT.rglob("*.py")) if "migrations" not in path.relative_to(ROOT).parts]
    return {_name(path): path for path in files}


@cache
def imports() -> tuple[Import, ...]:
    """Every import of every module."""
    return tuple(found for name, path in modules().items() for found in _imports_of(name, path))


def _name(path: Path) -> str:
    parts = [PACKAGE, *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports_of(module: str, path: Path) -> Iterator[Import]:
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node, lazy, typing in _statements(ast.parse(path.read_text()), lazy=False, typing=False):
        for target in _targets(node, package):
            yield Import(module=module, target=target, line=node.lineno, lazy=lazy, typing=typing)


def _statements(node: ast.AST, *, lazy: bool, typing: bool) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, lazy, typing
    lazy = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    typing = typing or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    for child in ast.iter_child_nodes(node):
        yield from _statements(child, lazy=lazy, typing=typing)


def _targets(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        parts = package.split(".")
        base = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])
    for alias in node.names:
        # `from package import name` is either a module of that package or a name that its __init__ has.
        inner = f"{base}.{alias.name}"
        yield inner if inner in modules() else base
