"""A small shop whose products are searched."""
