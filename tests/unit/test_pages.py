"""The pages themselves: their length, their links, their commands, their words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [
    README,
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "localstack/README.md",
    ROOT / "events/README.md",
]
MAX_README_WORDS = 1200
MAX_HOPS = 15

page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors_of(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", without_code(text_of(path)), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_readme_has_under_1200_words() -> None:
    assert len(text_of(README).split()) < MAX_README_WORDS


@page
def test_every_link_of_a_page_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text_of(path))):
        if re.match(r"\w+:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        assert not anchor or anchor in anchors_of(found), target


@page
def test_what_a_page_makes_is_a_target_of_the_makefile(path: Path) -> None:
    makefile = text_of(ROOT / "Makefile")
    for target in re.findall(r"(?:^|`)make (?:--silent )?([a-z][\w-]+)", text_of(path), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@page
def test_no_page_names_the_host_of_a_package_registry(path: Path) -> None:
    assert not re.search(r"pypi\.org|pythonhosted", text_of(path))


def test_the_two_commands_of_the_readme() -> None:
    assert re.findall(r"^make ([\w-]+)", text_of(README), re.MULTILINE) == ["demo", "test"]


def test_every_page_is_found_from_the_readme() -> None:
    linked = set(re.findall(r"\]\(docs/([\w-]+)\.md", text_of(README)))
    assert linked == {path.stem for path in (ROOT / "docs").glob("*.md")}


def test_every_shell_block_is_run_by_a_test() -> None:
    """README and pages by the tests named here; other blocks, such as those that need AWS, are not `sh`."""
    tests = {
        "test_readme.py": {"README", "awslocal", "worker", "dead-letters", "taxonomy", "corrections"},
        "test_backfill.py": {"backfill"},
        "test_bulk.py": {"bulk"},
        "test_deploy_page.py": {"deploy"},
        "test_routing.py": {"routing"},
        "test_http_api.py": {"http-api"},
        "test_learning_page.py": {"learning"},
        "test_jobs_page.py": {"jobs"},
        "test_search_page.py": {"search"},
    }
    with_blocks = {path.stem for path in PAGES[:-2] if re.search(r"^```sh$", text_of(path), re.MULTILINE)}
    assert with_blocks == set().union(*tests.values())


def test_the_walk_of_a_ticket_names_functions_that_exist() -> None:
    text = text_of(ROOT / "docs" / "architecture.md")
    hops = re.findall(r"^\| \d+ \| `([\w/]+\.py)` `([\w.]+)` \|", text, re.MULTILINE)
    assert 10 <= len(hops) <= MAX_HOPS
    for file, name in hops:
        tree = ast.parse(text_of(ROOT / "src" / "ticketmill" / file))
        assert name in set(functions_of(tree.body)), f"{file} {name}"


def test_every_symptom_in_code_is_part_of_a_message() -> None:
    text = text_of(ROOT / "docs" / "troubleshooting.md")
    symptoms = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)
    quoted = [code for symptom in symptoms for code in re.findall(r"`([a-z][^`]* [^`]*)`", symptom)]
    sources = "".join(text_of(path) for path in (ROOT / "src").rglob("*.py"))
    assert len(quoted) > 5
    assert [code for code in quoted if code not in sources] == []


def functions_of(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield prefix + node.name
        elif isinstance(node, ast.ClassDef):
            yield from functions_of(node.body, f"{node.name}.")


@page
def test_every_python_file_that_a_page_names_exists(path: Path) -> None:
    for file in re.findall(r"`([\w/]+\.py)", text_of(path)):
        roots = (ROOT, ROOT / "src" / "ticketmill")
        assert any((root / file).is_file() for root in roots) or list((ROOT / "tests").rglob(file)), file
