"""``python -m tinybms_gateway``."""

from tinybms_gateway.cli import main

main()
