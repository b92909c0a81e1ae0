"""The search, made before the application, so that models can declare themselves."""

from __future__ import annotations

from scrypath_celery import Scrypath

search = Scrypath()
