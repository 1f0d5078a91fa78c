"""Toolkit of the TinyBMS Web Gateway."""

from importlib.metadata import version

__version__ = version("tinybms-gateway")
