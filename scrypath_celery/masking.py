"""Texts of others without their secrets: what is shown, logged or stored of an error that we did not write."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .environment import variables

MASK = "***"

_WORDS = r"pass(?:word|wd)?|pwd|secret|token|api[_-]?key|master[_-]?key|credentials?|dsn"
_NAME = re.compile(_WORDS + r"|_url$|_uri$|key$", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^\s/@:]*):[^\s]*@")
_NAMED = re.compile(rf"((?:{_WORDS})['\"]?\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|[^\s'\",;)&]+)", re.IGNORECASE)
_BEARER = re.compile(r"(bearer\s+)\S+", re.IGNORECASE)


def masked(text: str, environ: Mapping[str, str] | None = None) -> str:
    """The text without passwords of URLs, values that are named as secrets, and values of secret variables.

    `environ` is the environment of this process by default: a value of a variable with a name such as `API_KEY` is
    masked wherever it stands.
    """
    for name, value in (variables() if environ is None else environ).items():
        if len(value) >= 6 and _NAME.search(name):
            text = text.replace(value, MASK)
    text = _IN_URL.sub(rf"\1:{MASK}@", text)
    return _BEARER.sub(rf"\1{MASK}", _NAMED.sub(rf"\1{MASK}", text))
