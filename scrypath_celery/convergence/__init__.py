"""Convergence: from a row of the ledger to a settled document."""

from __future__ import annotations
