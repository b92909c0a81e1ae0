"""The Celery edge: tasks, publisher, relay step, inspect commands. Loaded by workers and by what attaches to an app."""

from __future__ import annotations
