"""The parts that can be chosen: ours, and those that other packages announce by entry points.

An entry point of the group `ticketmill.parts` names a `Part`. One that cannot be loaded is reported by its
name, and the others are there all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from importlib.util import find_spec
from pathlib import Path

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.learning.parts.boosted_trees import BOOSTED_TREES
from ticketmill.learning.parts.features import FEATURES
from ticketmill.learning.parts.linear import LINEAR
from ticketmill.learning.parts.ports import ROLES, Part, Role
from ticketmill.learning.parts.tokenizers import TOKENIZERS
from ticketmill.learning.parts.transformer import TRANSFORMER
from ticketmill.learning.parts.word_vectors import WORD_VECTORS

log = logging.getLogger(__name__)

GROUP = "ticketmill.parts"
OURS = (*TOKENIZERS, *FEATURES, WORD_VECTORS, *LINEAR, BOOSTED_TREES, TRANSFORMER)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The parts by role and name, and the entry points that gave none, with the reason."""

    parts: Mapping[tuple[Role, str], Part]
    broken: Mapping[str, str]

    def part(self, role: Role, name: str) -> Part:
        """The part of a name such as `tfidf`, or `huggingface:org/name`. Refused where there is none."""
        bare = name.partition(":")[0]
        found = self.parts.get((role, bare))
        if found is not None:
            return found
        known = ", ".join(name for own, name in self.parts if own == role)
        why = f"; the entry point {bare} is broken: {self.broken[bare]}" if bare in self.broken else ""
        raise LearningRefused(
            LearningCode.UNKNOWN_PART, f"there is no {role} {bare}: choose one of {known}{why}"
        )


def make_catalogue(announced: Iterable[EntryPoint]) -> Catalogue:
    """Our parts, and those that are announced. Ours keep their names."""
    parts = {(part.role, part.name): part for part in OURS}
    broken: dict[str, str] = {}
    for each in sorted(announced, key=lambda point: (point.name, point.value)):
        try:
            part = each.load()
        except Exception as error:  # noqa: BLE001 - whatever a stranger's module does while it is imported
            broken[each.name] = f"{each.value} cannot be imported ({type(error).__name__})"
        else:
            if not isinstance(part, Part) or part.role not in ROLES:
                broken[each.name] = f"{each.value} is no Part"
            elif (part.role, part.name) in parts:
                broken[each.name] = f"there is a {part.role} {part.name} already"
            else:
                parts[part.role, part.name] = part
    for name, why in broken.items():
        log.warning("the part %s is left out: %s", name, why)
    return Catalogue(parts, broken)


@cache
def catalogue() -> Catalogue:
    """The parts of this installation."""
    return make_catalogue(entry_points(group=GROUP))


def missing_modules(part: Part, to_fit: bool = False) -> list[str]:
    """The modules that a part imports and this installation lacks."""
    modules = (*part.modules, *(part.modules_to_fit if to_fit else ()))
    return [name for name in modules if not _is_there(name)]


def installed_mb(part: Part) -> float | None:
    """Megabytes of a part's packages on this disk; None where one is missing, 0 for a part without any."""
    try:
        files = [file for name in part.packages for file in distribution(name).files or ()]
    except PackageNotFoundError:
        return None
    paths = [Path(str(file.locate())) for file in files]
    return round(sum(path.stat().st_size for path in paths if path.is_file()) / 1e6, 1)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def check_present(part: Part, to_fit: bool = False) -> None:
    """Refused where a part's packages are missing, with what installs them."""
    missing = missing_modules(part, to_fit)
    if not missing:
        return
    needed = part.extra if missing_modules(part) else part.extra_to_fit
    raise LearningRefused(
        LearningCode.MISSING_PART,
        f"the {part.role} {part.name} needs {', '.join(missing)}: pip install 'ticketmill[{needed}]'",
    )
