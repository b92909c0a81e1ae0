"""The application as workers and commands find it: `-A scrypath_celery.demo.app`."""

from __future__ import annotations

import os

from .factory import Place, create_app

app = create_app(Place.read(os.environ))
