"""The environment of this process, which other threads may change while it is read."""

from __future__ import annotations

import os


def variables() -> dict[str, str]:
    """The variables and their values; one that is taken away meanwhile is none of them."""
    # `os.environ.items()` looks each value up after the name, and raises where the name has gone.
    found = ((name, os.environ.get(name)) for name in list(os.environ))
    return {name: value for name, value in found if value is not None}
