"""``tinybms-gw scenario``."""
