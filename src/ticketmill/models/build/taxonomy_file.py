"""Taxonomies in YAML files, shipped or a user's. Only builds and checks read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ticketmill.domain.errors import SetupError
from ticketmill.domain.taxonomy import Task, Taxonomies, Taxonomy

SHIPPED: dict[Task, Path] = {
    "topics": Path(__file__).with_name("shipped") / "topics.yaml",
    "intent": Path(__file__).with_name("shipped") / "intents.yaml",
}


def read_taxonomy(path: Path, task: Task | None = None) -> Taxonomy:
    """The taxonomy in a YAML file. Raises SetupError, which says what is wrong, and where.

    `task` is the expected task, also of a file that names none.
    """
    content = _yaml(path)
    if not isinstance(content, dict):
        raise SetupError(f"{path}: expected a mapping with `task` and `labels`")
    if task is not None and content.setdefault("task", task) != task:
        raise SetupError(f"{path} is a taxonomy of {content['task']}, expected one of {task}")
    try:
        return Taxonomy.model_validate(content)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise SetupError(f"{path}: {_where(fault['loc'], content)}{_what(fault)}") from None


def read_taxonomies(topics: Path | None, intent: Path | None) -> Taxonomies:
    """Both taxonomies. A path of None is the shipped one."""
    shipped = read_taxonomy(SHIPPED["topics"], "topics")
    return Taxonomies(
        topics=read_taxonomy(topics, "topics") if topics else shipped,
        intent=read_taxonomy(intent or SHIPPED["intent"], "intent"),
        # the same for every taxonomy, so that a score means the same in a small one
        background=tuple(label.text for label in shipped.labels),
    )


def yaml_of(taxonomy: Taxonomy) -> str:
    """The taxonomy as a YAML file that `read_taxonomy` reads."""
    content = taxonomy.model_dump(mode="json")
    for label in content["labels"]:
        if not label["examples"]:
            del label["examples"]
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return text


def _yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SetupError(f"{path} is not UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SetupError(f"{path}{where}: not YAML: {getattr(error, 'problem', error)}") from None


def _where(location: tuple[int | str, ...], content: dict[str, Any]) -> str:
    """As in `labels[3] (billing): description: `, for an error at ("labels", 3, "description")."""
    if not location:
        return ""
    parts = list(map(str, location))
    if location[0] == "labels" and len(location) > 1:
        entry = content["labels"][location[1]]
        name = f" ({entry['label']})" if isinstance(entry, dict) and "label" in entry else ""
        parts[:2] = [f"labels[{location[1]}]{name}"]
    return ": ".join(parts) + ": "


def _what(fault: Any) -> str:
    if fault["type"] == "string_type" and isinstance(fault["input"], bool | int | float):
        return f"expected text, YAML reads it as {fault['input']!r}; put it in quotes"
    if fault["type"] == "string_pattern_mismatch":
        return f"{fault['input']!r}: use lower case letters, digits, '_' and '-', 48 at most"
    if fault["type"] == "string_too_short":
        return "must not be empty"
    return str(fault["msg"]).removeprefix("Value error, ")
