"""Playbooks: searches saved as JSON files, to be reviewed, shared and run."""

from __future__ import annotations
