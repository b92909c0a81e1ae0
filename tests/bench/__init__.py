"""Measurements, as ratios of two ways measured side by side in one run: `python -m tests.bench`."""

from __future__ import annotations
