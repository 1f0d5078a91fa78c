"""Python toolkit of the TinyBMS Web Gateway."""
