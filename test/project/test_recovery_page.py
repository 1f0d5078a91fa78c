"""The page inside the firmware: the policy lets a browser run what is in it and nothing else, and it needs no more."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

LARGEST = 7000
"""Bytes: it is part of the application, which has little room."""


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "components/web_server/recovery.html").read_text(encoding="utf-8")


def hash_of(page: str, element: str) -> str:
    """As a policy names the text of the only such element."""
    texts = re.findall(rf"<{element}[^>]*>(.*?)</{element}>", page, re.DOTALL)
    assert len(texts) == 1
    return f"'sha256-{base64.b64encode(hashlib.sha256(texts[0].encode()).digest()).decode()}'"


@pytest.mark.parametrize(("element", "name"), [("script", "WEB_POLICY_SCRIPT"), ("style", "WEB_POLICY_STYLE")])
def test_the_policy_names_what_is_in_the_page(root: Path, page: str, element: str, name: str) -> None:
    """After a change of the page, the line of web_policy.h is the one that this prints."""
    header = (root / "components/web_server/web_policy.h").read_text(encoding="utf-8")
    named = re.search(rf'^#define {name} +"([^"]+)"$', header, re.MULTILINE)
    assert named, name
    assert named[1] == hash_of(page, element)


def test_a_browser_needs_nothing_that_the_policy_refuses(page: str) -> None:
    """Handlers and styles in attributes, and anything of another server, would be silently left out."""
    assert not re.search(r"\s(?:on[a-z]+|style)\s*=", page)
    assert not re.search(r"https?:|\bsrc\s*=|@import|url\(", page)
    assert set(re.findall(r'<link [^>]*href="([^"]*)"', page)) == {"data:,"}


def test_it_is_small(page: str) -> None:
    assert len(page.encode()) <= LARGEST
