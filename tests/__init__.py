"""The tests of scrypath-celery, and what they stand on: `deadline`, `services`, `worker`."""

from __future__ import annotations
