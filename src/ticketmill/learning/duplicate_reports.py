"""Tickets whose duplicates are known, as JSON lines: what rankings of duplicates are measured with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ticketmill.domain.errors import SetupError
from ticketmill.learning.near_duplicates import near_duplicates

NEAR_IDENTICAL = 0.9
"""Jaccard index of runs of five characters from which two texts are the same but for some words."""


@dataclass(frozen=True, slots=True)
class Report:
    """A ticket, and the group that it shares with its duplicates; None without one."""

    ticket_id: str
    subject: str
    body: str
    group: str | None


@dataclass(frozen=True, slots=True)
class NearIdentical:
    """How often two tickets of near-identical text are duplicates; the precision of no pair is None."""

    pairs: int
    duplicates: int
    precision: float | None


def read_reports(path: Path) -> list[Report]:
    """The tickets of a file. Raises SetupError, which names the first invalid line, and where no ticket has a
    duplicate."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SetupError(f"{path} is not UTF-8 text") from None
    reports = [_report(line, f"{path}, line {at}") for at, line in enumerate(lines, 1) if line.strip()]
    sizes = Counter(each.group for each in reports if each.group is not None)
    if max(sizes.values(), default=0) < 2:
        raise SetupError(f"{path} has no two tickets of one group: duplicates share a `group`")
    return reports


def near_identical(reports: Sequence[Report]) -> NearIdentical:
    """The pairs of near-identical text, and how many of them are duplicates by their groups."""
    pairs = near_duplicates([f"{each.subject}\n{each.body}" for each in reports], NEAR_IDENTICAL)
    groups = [each.group for each in reports]
    right = sum(groups[one] is not None and groups[one] == groups[other] for one, other in pairs)
    return NearIdentical(len(pairs), right, right / len(pairs) if pairs else None)


def _report(line: str, where: str) -> Report:
    try:
        row: Any = json.loads(line)
    except json.JSONDecodeError:
        raise SetupError(f"{where}: not JSON") from None
    if not isinstance(row, dict):
        raise SetupError(f"{where}: expected an object")
    subject, body, group = row.get("subject") or "", row.get("body") or "", row.get("group")
    if not isinstance(subject, str) or not isinstance(body, str) or not f"{subject}{body}".strip():
        raise SetupError(f"{where}: expected a text in `subject` and `body`")
    return Report(str(row.get("ticket_id")), subject, body, None if group in (None, "") else str(group))
