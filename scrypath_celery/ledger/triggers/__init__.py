"""Triggers: the database itself writes works, so that no write is missed, whoever makes it."""
