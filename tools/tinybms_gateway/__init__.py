"""Toolkit of the TinyBMS Web Gateway."""
