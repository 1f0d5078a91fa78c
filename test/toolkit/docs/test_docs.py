"""What the documentation names is there."""

import re
from pathlib import Path

import pytest

from support.fixtures.command_lines import parse, words_of

ROOT = Path(__file__).resolve().parents[3]
PAGES = [str(page.relative_to(ROOT)) for where in ("*.md", "docs/**/*.md", "host/*.md") for page in ROOT.glob(where)]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(root: Path, page: str) -> None:
    text = (root / page).read_text()
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text):
        assert ((root / page).parent / target).exists(), f"{page} links to {target}"


@pytest.mark.parametrize("page", [page for page in PAGES if page != "docs/esp_idf_api.md"])  # names ESP-IDF's files
def test_files_and_tests_that_are_named_exist(root: Path, page: str) -> None:
    names = set(re.findall(r"`((?:[\w.-]+/)*(?:test_)?\w+\.(?:c|h|py|dbc|json|sh))`", (root / page).read_text()))
    for name in names:
        assert list(root.glob(f"**/{name}")), f"{page} names {name}"


def test_kconfig_symbols_that_are_named_exist(root: Path) -> None:
    defined = set()
    for kconfig in [*root.glob("components/*/Kconfig"), *root.glob("host/**/Kconfig")]:
        defined |= set(re.findall(r"^\s*config (\w+)", kconfig.read_text(), re.MULTILINE))
    for page in PAGES:
        for symbol in re.findall(r"\bCONFIG_(\w+)", (root / page).read_text()):
            assert any(name == symbol or name.startswith(symbol) for name in defined), f"{page}: CONFIG_{symbol}"


def command_lines(text: str) -> list[str]:
    """Calls of tinybms-gw in the blocks of a shell."""
    blocks = re.findall(r"^ *```(?:bash|console)\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    shell = "\n".join(blocks).replace("\\\n", " ")
    pieces = [piece for line in shell.splitlines() for piece in re.split(r"&&|;", line)]
    return [found[1] for piece in pieces if (found := re.match(r"\s*(?:\$ )?(?:\.venv/bin/)?(tinybms-gw .*)", piece))]


def test_commands_that_are_shown_can_be_typed(root: Path) -> None:
    found = {(page, line) for page in PAGES for line in command_lines((root / page).read_text())}
    assert len(found) > 40
    for page, line in sorted(found):
        try:
            parse(words_of(line))
        except Exception as error:
            raise AssertionError(f"{page}: {line}: {error}") from error
