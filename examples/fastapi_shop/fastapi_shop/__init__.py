"""A small web shop whose products are searched."""
