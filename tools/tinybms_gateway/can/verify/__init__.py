"""``tinybms-gw can verify``."""
