"""What triggers are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ...declaration.fan_out import Route
from ...declaration.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Declarations:
    """What an application declares, as far as triggers are made from it.

    `schemas_of` finds the Schemas of a declared class; `routes` are all fan-outs; `notify` says whether triggers notify
    workers of what they write, where the database can do that.
    """

    schemas_of: Callable[[Any], Sequence[Schema]]
    routes: Iterable[Route] = ()
    notify: bool = False
