"""Imports of the Python package go one way: no two modules need one another, not even by an import in a function."""

import ast
import importlib
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = "tinybms_gateway"


def modules_of(package: Path) -> dict[str, Path]:
    """Dotted name -> file."""
    found = {}
    for file in package.rglob("*.py"):
        parts = file.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imported_by(file: Path, modules: dict[str, Path]) -> set[str]:
    """Modules of the package that a file imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            members = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= (members & modules.keys()) or {node.module}
    return names & modules.keys()


def test_no_two_modules_import_each_other(root: Path) -> None:
    modules = modules_of(root / "tools" / PACKAGE)
    assert f"{PACKAGE}.can.plot.draw" in modules
    # Raises CycleError, which names the modules of the circle.
    TopologicalSorter({name: imported_by(file, modules) for name, file in modules.items()}).prepare()


def test_every_module_can_be_loaded(root: Path) -> None:
    """Those that are imported lazily as well: asking for what is in them loads them."""
    for name in modules_of(root / "tools" / PACKAGE).keys() - {f"{PACKAGE}.__main__"}:
        assert vars(importlib.import_module(name))


def test_a_circle_would_be_found(tmp_path: Path) -> None:
    package = tmp_path / PACKAGE
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text(f"from {PACKAGE} import b\n")
    (package / "b.py").write_text(f"def f():\n    from {PACKAGE}.a import g\n")
    modules = modules_of(package)
    assert imported_by(package / "a.py", modules) == {f"{PACKAGE}.b"}
    assert imported_by(package / "b.py", modules) == {f"{PACKAGE}.a"}
