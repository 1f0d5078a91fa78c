"""Adds pages from outside docs/ to the site, and makes links within the tree work there too."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "host/README.md": "host.md",
    "LICENSE": "LICENSE",
}
"""Path in the tree -> place in the site."""

LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from elsewhere."""
    root = Path(config.config_file_path).parent
    for path, place in ELSEWHERE.items():
        files.append(File.generated(config, place, abs_src_path=str(root / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links of the tree into links of the site."""
    docs = Path(config.docs_dir).name
    in_tree = {place: path for path, place in ELSEWHERE.items()}
    here = page.file.src_uri
    folder = posixpath.dirname(in_tree.get(here, f"{docs}/{here}"))

    def rewrite(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, match[1]))
        place = ELSEWHERE.get(path, path.removeprefix(f"{docs}/"))
        if files.get_file_from_path(place) is None:
            return match[0]
        return f"]({posixpath.relpath(place, posixpath.dirname(here) or '.')}{match[2] or ''})"

    return LINK.sub(rewrite, markdown)
