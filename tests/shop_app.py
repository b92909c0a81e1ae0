"""The shop as a worker process finds it: `celery -A tests.shop_app worker`."""

from __future__ import annotations

import os

from tests.shop import ENVIRONMENT, Setup, Shop

shop = Shop(Setup.read(os.environ[ENVIRONMENT]))
app = shop.app
