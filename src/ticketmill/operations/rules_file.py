"""A file of routing rules, in YAML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml
from pydantic import ValidationError

from ticketmill.domain.errors import SetupError
from ticketmill.domain.routing_rule import Rules


def parse_rules(text: str, name: str) -> Rules:
    """The rules in a file. SetupError, which says what is wrong and where."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise SetupError(f"{name}{where}: not YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(content, dict):
        raise SetupError(f"{name}: expected a mapping with `rules`, see `ticketmill schema rules`")
    try:
        return Rules.model_validate(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        told = [f"{_where(each['loc'], content)}{_what(each)}" for each in faults]
        raise SetupError(f"{name}: {'; '.join(told)}") from None


def _where(location: Sequence[int | str], content: dict[str, Any]) -> str:
    """As in `rule critical-to-slack: send: url_env: `."""
    parts = [str(each) for each in location]
    if len(location) > 1 and location[0] == "rules" and isinstance(location[1], int):
        entry = content["rules"][location[1]]
        rule_id = entry.get("id") if isinstance(entry, dict) else None
        parts[:2] = [f"rule {rule_id or location[1] + 1}"]
    return "".join(f"{part}: " for part in parts)


def _what(fault: Any) -> str:
    return str(fault["msg"]).removeprefix("Value error, ")
