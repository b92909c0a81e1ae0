"""The whole product on real input, without any service: `scrypath-celery demo`.

`cities` declares what is searched, `factory` makes the application, `stage` starts what are services elsewhere,
`script`, `trouble` and `rebuild` are the steps, `check` is the comparison at the end, `play` plays it all.
"""

from __future__ import annotations
