"""Secrets and hosts in headers, against what Python's own library makes of them."""

import ctypes as c
import ipaddress
import re
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pure.pure_library import Pure

HEX = "0123456789abcdef"
SECRETS = st.text(HEX, min_size=64, max_size=64)
NAMES = st.sampled_from(("session", "Session", "sessions", "xsession", "theme", "a", "__Host-session"))
VALUES = SECRETS | st.text("abc0123", max_size=70)
ADDRESSES = st.ip_addresses()


def cookie(pure: Pure, header: str) -> str | None:
    found = c.create_string_buffer(65)
    pure.lib.access_cookie_find.restype = c.c_bool
    return found.value.decode() if pure.lib.access_cookie_find(header.encode(), found) else None


def host_allowed(pure: Pure, host: str, device: str = "gateway-1", names: str = "") -> bool:
    pure.lib.access_host_allowed.restype = c.c_bool
    return bool(pure.lib.access_host_allowed(host.encode(), device.encode(), names.encode()))


def origin_allowed(pure: Pure, origin: str, host: str) -> bool:
    pure.lib.access_origin_allowed.restype = c.c_bool
    return bool(pure.lib.access_origin_allowed(origin.encode(), host.encode()))


def address(pure: Pure, text: str) -> int:
    pure.lib.access_address.restype = c.c_uint64
    return int(pure.lib.access_address(text.encode()))


@given(pairs=st.lists(st.tuples(NAMES, VALUES), max_size=8), separator=st.sampled_from(("; ", ";", " ;  ")))
def test_a_session_is_found_where_the_library_of_python_finds_it(
    pure: Pure, pairs: list[tuple[str, str]], separator: str
) -> None:
    header = separator.join(f"{name}={value}" for name, value in pairs)
    whole = {
        SimpleCookie(f"{name}={value}")[name].value
        for name, value in pairs
        if name == "session" and re.fullmatch("[0-9a-f]{64}", value)
    }
    assert cookie(pure, header) == (whole.pop() if len(whole) == 1 else None)


@given(header=st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=200))
def test_no_header_makes_a_session_that_does_not_stand_in_it(pure: Pure, header: str) -> None:
    found = cookie(pure, header)
    assert found is None or f"={found}" in header.replace(" ", "").replace("\t", "")


AROUND = st.text(' ;=,"\\no session\t', max_size=20)


@given(before=AROUND, secret=SECRETS, behind=AROUND)
def test_what_stands_around_a_session_makes_no_other_one_of_it(
    pure: Pure, before: str, secret: str, behind: str
) -> None:
    header = f"{before}session={secret}{behind}"
    pair = re.compile(rf"[ \t]*session[ \t]*=[ \t]*{secret}[ \t]*")
    is_there = any(pair.fullmatch(part) for part in header.split(";"))
    assert cookie(pure, header) == (secret if is_there else None)


@given(ip=ADDRESSES, port=st.none() | st.integers(1, 65535))
def test_every_address_is_a_host_of_ours(
    pure: Pure, ip: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int | None
) -> None:
    host = f"[{ip}]" if ip.version == 6 else str(ip)
    assert host_allowed(pure, host if port is None else f"{host}:{port}")


PARTS = st.sampled_from(
    ("gateway-1", "nas", "localhost", ".local", ".", ":", "80", "@", "[", "]", "::1", "10.0.0.1", "x", ",")
)
TEXTS = st.text(st.characters(min_codepoint=1, max_codepoint=126), max_size=40) | st.lists(PARTS, max_size=5).map(
    "".join
)


def is_address(text: str) -> bool:
    try:
        return ipaddress.ip_address(text.strip("[]")).version == (6 if text.startswith("[") else 4)
    except ValueError:
        return re.fullmatch(r"\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]", text) is not None  # cannot be a name


@given(host=TEXTS)
def test_a_host_of_ours_is_an_address_or_one_of_the_names(pure: Pure, host: str) -> None:
    name = re.sub(r"(?<=.)\.$", "", re.sub(r":(\d{0,5})$", "", host)).lower()
    ours = name in ("localhost", "gateway-1", "gateway-1.local", "nas") or is_address(name)
    assert ours or not host_allowed(pure, host, names="nas")


HOSTS = st.sampled_from(
    ("gateway-1", "GATEWAY-1", "nas", "10.0.0.1", "[::1]", "evil.example", "gateway-1.evil.example")
)
PORTS = st.sampled_from(("", ":80", ":443", ":8080", ":"))


@given(scheme=st.sampled_from(("http", "https")), names=st.tuples(HOSTS, HOSTS), ports=st.tuples(PORTS, PORTS))
def test_an_origin_is_ours_if_host_and_port_are_the_same(
    pure: Pure, scheme: str, names: tuple[str, str], ports: tuple[str, str]
) -> None:
    origin, host = (f"{name}{port}" for name, port in zip(names, ports, strict=True))
    page, here = (urlsplit(f"{scheme}://{text}") for text in (origin, host))
    usual = {"http": 80, "https": 443}[scheme]
    same = page.hostname == here.hostname and (page.port or usual) == (here.port or usual)
    assert origin_allowed(pure, f"{scheme}://{origin}", host) == same


@given(origin=st.text(st.characters(min_codepoint=1, max_codepoint=126), max_size=40))
def test_no_other_text_is_an_origin_of_ours(pure: Pure, origin: str) -> None:
    if origin_allowed(pure, origin, "gateway-1"):
        assert re.fullmatch(r"(?i)https?://gateway-1\.?(:(80|443)?)?", origin)


@given(one=ADDRESSES, other=ADDRESSES)
def test_addresses_count_as_one_by_the_64_bits_that_a_host_cannot_choose(
    pure: Pure,
    one: ipaddress.IPv4Address | ipaddress.IPv6Address,
    other: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    def network(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> object:
        if isinstance(ip, ipaddress.IPv4Address):
            return ip
        return ip.ipv4_mapped or int(ip) >> 64

    assert address(pure, str(one)) != 0
    assert (address(pure, str(one)) == address(pure, str(other))) == (network(one) == network(other))


@given(network=st.integers(1, 2**64 - 1), hosts=st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)))
def test_all_hosts_of_a_64_count_as_one_however_they_are_written(
    pure: Pure, network: int, hosts: tuple[int, int]
) -> None:
    one, other = (ipaddress.IPv6Address(network << 64 | host) for host in hosts)
    assert address(pure, str(one)) == address(pure, other.exploded.upper()) != 0


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "::g", "1.2.3.4/24", "::/64", "[::1]"])
def test_what_is_no_address_counts_as_one(pure: Pure, text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        ipaddress.ip_address(text)
    assert address(pure, text) == address(pure, "nobody")


@given(
    random=st.binary(min_size=7, max_size=7), gaps=st.lists(st.sampled_from(("", " ", "-")), min_size=10, max_size=10)
)
def test_a_code_is_understood_in_whatever_way_it_is_typed(pure: Pure, random: bytes, gaps: list[str]) -> None:
    code, found = c.create_string_buffer(11), c.create_string_buffer(11)
    pure.lib.access_code_normalise.restype = c.c_bool
    pure.lib.access_code_make(random, code)
    typed = "".join(gap + letter for gap, letter in zip(gaps, code.value.decode(), strict=True))
    typed = typed.replace("0", "O").replace("1", "l")
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{10}", code.value.decode())
    for text in (typed, typed.lower(), code.value.decode()):
        assert pure.lib.access_code_normalise(text.encode(), found)
        assert found.value == code.value
