"""Flower beside a worker, and a headless browser; skipped where they are not installed, unless they are asked for."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest

DEMANDED = "SCRYPATH_TEST_BROWSER"
"""The variable by which a gate asks for these tests: what they need must then be there."""


def lacking(what: str) -> NoReturn:
    """Skip the test for the lack of something; fail it where the environment asks for these tests."""
    line = (
        f"{what} is not installed: python3 -m pip install -e '.[test,browser]', and Debian's chromium, chromium-driver"
    )
    if os.environ.get(DEMANDED):
        pytest.fail(line, pytrace=False)
    pytest.skip(line)


@pytest.fixture(scope="module")
def flower_installed() -> None:
    """Skips where Flower is not installed."""
    if importlib.util.find_spec("flower") is None:
        lacking("flower")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    if importlib.util.find_spec("selenium") is None:
        lacking("selenium")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        lacking("chromium" if program is None else "chromedriver")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,720"):
        options.add_argument(argument)
    chrome = Chrome(options=options, service=Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()
