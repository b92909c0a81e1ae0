"""The shop's worker with kombu as it comes, without our mend."""

from __future__ import annotations

from scrypath_celery.worker import mend

mend.mend_redis = lambda: False

from tests.shop_app import app  # noqa: E402 - the worker's step takes the mend when it is imported

__all__ = ["app"]
