"""docs/esp_idf_api.md lists every ESP-IDF call that the firmware makes, and no other."""

import re
from pathlib import Path

import pytest

ROW = re.compile(r"^\| `(\w+)` \| `([\w/.-]+\.h)` \|", re.MULTILINE)
NAME_BEFORE_PARENTHESIS = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
KEYWORDS = {"if", "while", "for", "switch", "return", "sizeof", "do", "else", "bool", "void", "esp_err_t"}
ATTRIBUTES = {"__attribute__", "format"}
COMMON = "freertos/", "esp_common/", "esp_system/", "log/"
"""Components that ESP-IDF puts on the include path of every component."""


def code(path: Path) -> str:
    """The text of a C file without comments and strings."""
    either = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"', re.DOTALL)  # a string may hold what begins a comment
    return either.sub(lambda found: '""' if found[0].startswith('"') else "", path.read_text())


def firmware(root: Path) -> list[Path]:
    patterns = ("main/*.c", "components/**/*.c", "components/**/*.h")
    return [path for pattern in patterns for path in root.glob(pattern) if "generated" not in path.parts]


@pytest.fixture(scope="module")
def listed(root: Path) -> dict[str, str]:
    """Call -> header."""
    rows = ROW.findall((root / "docs/esp_idf_api.md").read_text())
    assert len(rows) == len(dict(rows)), "a call is listed twice"
    return dict(rows)


@pytest.fixture(scope="module")
def declared(root: Path) -> dict[str, set[Path]]:
    """Function or macro with arguments -> headers of host/ that declare it; others do not compile on Linux."""
    found: dict[str, set[Path]] = {}
    for header in [*root.glob("host/*/include/**/*.h")]:
        text = code(header)
        macros = set(re.findall(r"^#define (\w+)\(", text, re.MULTILINE))
        prototypes = re.sub(r"^#(?:.*\\\n)*.*$", "", text, flags=re.MULTILINE)
        for name in macros | set(NAME_BEFORE_PARENTHESIS.findall(prototypes)) - KEYWORDS - ATTRIBUTES:
            found.setdefault(name, set()).add(header)
    return found


def test_every_call_is_listed_and_every_listed_call_is_made(
    root: Path, listed: dict[str, str], declared: dict[str, set[Path]]
) -> None:
    made: dict[str, str] = {}
    for path in firmware(root):
        for name in set(NAME_BEFORE_PARENTHESIS.findall(code(path))):
            if name in declared:
                made[name] = path.name
    assert len(made) > 40
    missing = {name: where for name, where in made.items() if name not in listed}
    assert not missing, f"not in docs/esp_idf_api.md: {missing}"
    assert not set(listed) - set(made), "listed, but not called any more"


def test_the_header_that_is_named_is_in_the_folder_of_host_that_has_the_name_of_its_component(
    root: Path, listed: dict[str, str], declared: dict[str, set[Path]]
) -> None:
    # ESP-IDF's FreeRTOS.h includes all of them.
    same_file = {"projdefs.h": "FreeRTOS.h", "portmacro.h": "FreeRTOS.h", "idf_additions.h": "task.h"}
    for call, header in listed.items():
        component, name = header.split("/")[0], Path(header).name
        declaring = {(path.relative_to(root / "host").parts[0], path.name) for path in declared[call]}
        assert (component, same_file.get(name, name)) in declaring, call


def test_a_component_requires_the_component_of_each_header_that_it_includes(root: Path, listed: dict[str, str]) -> None:
    component_of = {Path(header).name: header.split("/")[0] for header in listed.values()}
    for path in firmware(root):
        lists = path.parents[1 if path.parent.name == "include" else 0] / "CMakeLists.txt"
        for included in re.findall(r'#include "(?:\w+/)?(\w+\.h)"', path.read_text()):
            component = component_of.get(included)
            if component is not None and not listed_as_common(component):
                assert re.search(rf"\b{component}\b", lists.read_text()), f"{path} needs {component} in {lists}"


def listed_as_common(component: str) -> bool:
    return f"{component}/" in COMMON
