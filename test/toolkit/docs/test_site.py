"""The documentation as a site: every page has its place, every link and every anchor leads somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a warning is an error."""
    where = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(where)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return where


def test_every_page_of_the_tree_is_in_the_site(root: Path, site: Path) -> None:
    for page in root.glob("docs/**/*.md"):
        name = "index" if page.stem == "README" else page.stem  # the first page of a folder
        assert (site / page.relative_to(root / "docs").with_name(f"{name}.html")).is_file()
    for place in ("index.html", "contributing.html", "changelog.html", "host.html", "LICENSE"):
        assert (site / place).is_file()


def test_links_between_docs_and_the_rest_of_the_tree_lead_to_pages_of_the_site(site: Path) -> None:
    assert 'href="docs/' not in (site / "index.html").read_text()
    assert re.search(r'href="host\.html#the-can-bus"', (site / "architecture.html").read_text())
    assert re.search(r'href="configuration\.html"', (site / "host.html").read_text())


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.glob("**/*.html"):
        assert not re.search(r'<(?:script|link)[^>]+(?:src|href)="https?://(?!example)', page.read_text()), page
