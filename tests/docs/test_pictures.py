"""The recording of the demo shows the demo as it is."""

from __future__ import annotations

import html
import re

from tests.docs.page import CHECKOUT
from tests.imports import ROOT

STEP = re.compile(r'voice\.step\("(.+?)"\)')


def test_the_recorded_demo_has_the_steps_of_the_demo_and_held() -> None:
    picture = (CHECKOUT / "docs" / "pictures" / "demo.svg").read_text()
    shown = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", picture)).split())
    steps = [title for module in sorted((ROOT / "demo").glob("*.py")) for title in STEP.findall(module.read_text())]
    assert len(steps) == 7
    assert [title for title in steps if title not in shown] == [], "python3 docs/pictures/record.py"
    assert "The demo held: 7 steps" in shown
