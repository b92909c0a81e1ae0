"""SQLAlchemy's classes for asyncio, where the application uses them: their module needs greenlet to be imported."""

from __future__ import annotations

import sys
from typing import Any


def of_asyncio(*names: str) -> tuple[type[Any], ...]:
    """Classes of `sqlalchemy.ext.asyncio`, for isinstance and issubclass.

    Empty where nobody has imported that module: then nothing can be of its classes.
    """
    module = sys.modules.get("sqlalchemy.ext.asyncio")
    return () if module is None else tuple(getattr(module, name) for name in names)
