"""The shop with Sentry, as a worker process finds it: `celery -A tests.shop_reporting worker`."""

from __future__ import annotations

import os

import sentry_sdk
from sentry_sdk.integrations.celery import CeleryIntegration

from tests.reports import FileTransport
from tests.shop import ENVIRONMENT, Setup, Shop

sentry_sdk.init(
    dsn="https://public@sentry.invalid/1",
    transport=FileTransport,
    integrations=[CeleryIntegration()],
    send_default_pii=True,  # all that an application may send
)
shop = Shop(Setup.read(os.environ[ENVIRONMENT]))
app = shop.app
