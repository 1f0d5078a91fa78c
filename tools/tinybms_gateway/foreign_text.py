"""Text from devices and servers: it may hold anything, also what steers a terminal."""


def printable(text: str) -> str:
    """The same lines, without control characters and escape codes."""
    return "".join(c if c.isprintable() or c in "\n\t" else "?" for c in text)


def shortened(text: str, most: int = 120) -> str:
    """One printable line of a foreign text."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else line[: most - 3] + "..."
