"""The embedded engine beside a real one: the same generated requests to both, and how often they agree."""
