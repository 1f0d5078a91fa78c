"""What the documentation names is there."""

import re
from pathlib import Path

import pytest

PAGES = [
    "README.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/pgn_conversions.md",
    "docs/testing/instruments.md",
    "host/README.md",
]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(root: Path, page: str) -> None:
    text = (root / page).read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text):
        assert ((root / page).parent / target).exists(), f"{page} links to {target}"


@pytest.mark.parametrize("page", PAGES)
def test_files_and_tests_that_are_named_exist(root: Path, page: str) -> None:
    names = set(re.findall(r"`((?:[\w.-]+/)*(?:test_)?\w+\.(?:c|h|py|dbc|json|sh))`", (root / page).read_text()))
    for name in names:
        assert list(root.glob(f"**/{name}")), f"{page} names {name}"


def test_kconfig_symbols_that_are_named_exist(root: Path) -> None:
    defined = set()
    for kconfig in [*root.glob("components/*/Kconfig"), root / "host/Kconfig"]:
        defined |= set(re.findall(r"^\s*config (\w+)", kconfig.read_text(), re.MULTILINE))
    for page in PAGES:
        for symbol in re.findall(r"\bCONFIG_(\w+)", (root / page).read_text()):
            assert any(name == symbol or name.startswith(symbol) for name in defined), f"{page}: CONFIG_{symbol}"
