"""Declaration: what an application says of its searchable classes; metadata only, no I/O."""

from __future__ import annotations
