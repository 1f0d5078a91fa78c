"""Addresses of gateways, as people give them."""

from urllib.parse import SplitResult, urlsplit


def parse_url(text: str) -> str:
    """Check the address of a web server; returns it without a slash at its end.

    Raises:
        ValueError: it is not an http or https address, or holds a password, which is not repeated.
    """
    parts = split("--url", text, ("http", "https"))
    if parts.username is not None or parts.password is not None:
        raise ValueError("--url: give no user and no password: anyone who lists this machine's processes can read them")
    if parts.query or parts.fragment:
        raise ValueError("--url: give only the address of the gateway, such as http://192.168.1.20")
    return text.rstrip("/")


def split(option: str, text: str, schemes: tuple[str, ...]) -> SplitResult:
    """Take an address apart.

    Raises:
        ValueError: it is none of these schemes, has no host or no possible port; names the option.
    """
    forms = " or ".join(f"{scheme}://HOST[:PORT]" for scheme in schemes)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in schemes and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise ValueError(f"{option}: give {forms}")
    return parts
