"""The shop's worker with kombu as it comes, without our fix."""

from __future__ import annotations

from scrypath_celery.worker import kombu_fix

kombu_fix.fix_redis = lambda: False

from tests.shop_app import app  # noqa: E402 - the worker's step takes the fix when it is imported

__all__ = ["app"]
