"""The source of a callable, as a text that changes when what it does may change."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any


def source_text(function: Any) -> str | None:
    """The source without comments and layout; None where it cannot be read (a prompt, a compiled module)."""
    for attribute in ("__func__", "fget"):
        function = getattr(function, attribute, None) or function
    try:
        text = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    except (OSError, TypeError):
        return None
    try:
        return ast.dump(ast.parse(text))
    except SyntaxError:  # a lambda in the middle of a call: its lines alone are no program
        return " ".join(text.split())
