"""Toolkit of the TinyBMS Web Gateway."""


def __getattr__(name: str) -> str:
    """``__version__``, looked up when somebody asks: importing what it needs takes longer than any ``--help``."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415

    return version("tinybms-gateway")
