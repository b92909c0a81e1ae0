"""`python -m scrypath_celery.embedded`."""

from __future__ import annotations

import sys

from .serving import main

sys.exit(main())
