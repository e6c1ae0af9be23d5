"""Adds a label to a taxonomy file, and leaves every other line of it as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ticketmill.domain.errors import SetupError
from ticketmill.domain.taxonomy import Label
from ticketmill.models.build.taxonomy_file import read_taxonomy

WIDTH = 100


def entry_of(label: Label, indent: int = 2) -> str:
    """The label as an entry of `labels`, its dash after so many spaces."""
    content = label.model_dump(mode="json", exclude_defaults=True)
    content["examples"] = list(label.examples)
    if not label.examples:
        del content["examples"]
    lines = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=WIDTH).splitlines()
    return "".join(
        f"{' ' * indent}{'- ' if at == 0 else '  '}{line}".rstrip() + "\n" for at, line in enumerate(lines)
    )


def add_label(path: Path, label: Label) -> None:
    """Writes the label after the last one of the file. SetupError where that has it, or cannot be changed."""
    taxonomy = read_taxonomy(path)
    if label.label in taxonomy.names:
        raise SetupError(f"{path} has a label {label.label}: choose another name, or add the examples to it")
    text = path.read_bytes().decode("utf-8")
    last, indent = _end_of_labels(text, path)
    lines = text.splitlines(keepends=True)
    line_end = "\r\n" if lines[0].endswith("\r\n") else "\n"
    if not lines[last - 1].endswith("\n"):
        lines[last - 1] += line_end
    entry = entry_of(label, indent).replace("\n", line_end)
    _replace(path, "".join([*lines[:last], entry, *lines[last:]]))


def _end_of_labels(text: str, path: Path) -> tuple[int, int]:
    """How many lines there are up to the last label's end, and the column of its dash."""
    document: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    labels = next(value for key, value in document.value if key.value == "labels")
    if document.flow_style or labels.flow_style:
        raise SetupError(f"{path} has its labels in brackets: add the entry by hand, or give each a line")
    end = _last_of(labels).end_mark
    return end.line + (end.column > 0), labels.start_mark.column


def _last_of(node: Any) -> Any:
    """The node that ends last: a block ends where something else begins, comments in between included."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return node
    last = node.value[-1]
    return _last_of(last[1] if isinstance(node, yaml.MappingNode) else last)


def _replace(path: Path, text: str) -> None:
    """Writes the file at once, or not at all."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_bytes(text.encode("utf-8"))
        beside.chmod(path.stat().st_mode & 0o777)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise SetupError(f"{path} cannot be written: {error.strerror}") from error
