"""What tests of an application stand on: a broker and an engine without any service, and pytest fixtures for them."""

from __future__ import annotations
