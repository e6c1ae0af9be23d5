"""The structure of the code: short files, short functions, no circular imports, no private patching."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from test_imports import FILES, PACKAGE, modules_of, name_of

ROOT = Path(__file__).parents[2]
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for folder in ("src", "tests", "infra", "localstack")
    for path in sorted((ROOT / folder).rglob("*.py"))
}

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def functions_of(source: str) -> Iterator[tuple[str, int]]:
    """The name and the number of lines of every function and method."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def imported_at_import(file: str) -> set[str]:
    """The modules of the package that a file imports while it is imported itself, not later in a function."""
    module = name_of(file)
    package = module if file.endswith("__init__.py") else module.rpartition(".")[0]
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    found = set()
    for statement in _module_level(tree.body):
        names = modules_of(ast.unparse(statement), package)
        found |= {known for name in names if (known := _module_named(name)) is not None}
    return found - {module}


def _module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield statement
        elif isinstance(statement, ast.If) and ast.unparse(statement.test) != "TYPE_CHECKING":
            yield from _module_level([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.Try):
            yield from _module_level([*statement.body, *statement.orelse, *statement.finalbody])


MODULES = {name_of(file) for file in FILES}


def _module_named(name: str) -> str | None:
    """`name` itself or the module that it lies in: `from a.b import c` may mean either."""
    return next((known for known in (name, name.rpartition(".")[0]) if known in MODULES), None)


def test_no_file_has_over_400_lines() -> None:
    lines = {file: len(source.splitlines()) for file, source in SOURCES.items()}
    assert {file: count for file, count in lines.items() if count > MAX_FILE_LINES} == {}


def test_no_function_has_over_60_lines() -> None:
    functions = {
        (file, name): lines for file, source in SOURCES.items() for name, lines in functions_of(source)
    }
    assert {each: lines for each, lines in functions.items() if lines > MAX_FUNCTION_LINES} == {}


def test_no_imports_run_in_a_circle() -> None:
    TopologicalSorter({name_of(file): imported_at_import(file) for file in FILES}).prepare()


# What a test replaces is a part that it hands over, never a module's constant or something private.
PATCHED = re.compile(
    r"""object\.__setattr__\(|monkeypatch\.setattr\([^,]+,\s*["'](?:_\w+|[A-Z][A-Z0-9_]+)["']"""
    r"""|\.setattr\(\w+\._\w+"""
)


# still to be freed of it
PATCHING = {
    "tests/hub/test_models.py",
    "tests/unit/test_structure.py",
}


def test_tests_patch_no_constants_and_nothing_private() -> None:
    tests = {file for file in SOURCES if file.startswith("tests/")} - PATCHING
    found = {file: PATCHED.findall(SOURCES[file]) for file in tests}
    assert {file: patches for file, patches in found.items() if patches} == {}
