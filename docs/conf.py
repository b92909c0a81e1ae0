"""The documentation: Markdown pages, built by Sphinx with warnings as errors."""

from __future__ import annotations

import importlib.metadata

project = "scrypath-celery"
author = "the scrypath-celery maintainers"
release = importlib.metadata.version("scrypath-celery")

extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "A Meilisearch index in step with SQLAlchemy models", "fixed_sidebar": True}
