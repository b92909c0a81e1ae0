"""What the release gates of `noxfile.py` run beside tests; see docs/release-gates.md."""

from __future__ import annotations
