"""What operators ask for: status, failed work, retries, reconciliation. Functions over a `Runtime`, frozen answers.

Reports change nothing. A part that does not answer is reported as unknown, with the reason, never as zero.
"""

from __future__ import annotations
