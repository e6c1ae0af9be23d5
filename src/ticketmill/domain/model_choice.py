"""Which model serves a task, as the settings name it: `onepass`, `hf:NAME@REVISION`, `st:/a/folder`, …"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

HubTask = Literal["sentiment", "summary", "topics", "intent", "embedding"]

CHOICES: dict[HubTask, tuple[str, ...]] = {
    "sentiment": ("onepass", "hf:"),
    "summary": ("extractive", "hf:"),
    "topics": ("prototypes", "nli:"),
    "intent": ("onepass", "rules", "nli:", "hf:"),
    "embedding": ("onepass", "st:"),
}
"""What each task may be served by; the first is the default, and a prefix that ends in `:` takes a model."""

# as the Hugging Face Hub has them: a name of its own, or one below an owner's
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9_][\w.-]*)?", re.ASCII)
_REVISION = re.compile(r"[\w][\w./-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """`kind` is what stands before the colon, or the whole; `model` a hub name, or the path of a folder.

    `revision` is a branch, a tag or a commit; None for the pinned one, and for a folder.
    """

    kind: str
    model: str = ""
    revision: str | None = None

    @property
    def is_folder(self) -> bool:
        """Whether the model is a folder of this machine rather than a name on the hub."""
        return self.model.startswith(("/", "./", "../", "~"))

    def __str__(self) -> str:
        if not self.model:
            return self.kind
        return f"{self.kind}:{self.model}" + (f"@{self.revision}" if self.revision else "")


def parse_choice(text: str, allowed: Sequence[str]) -> ModelChoice:
    """The choice that `text` makes. ValueError says what is expected."""
    kind, colon, model = text.strip().partition(":")
    if kind + colon not in allowed or (colon and not model):
        expected = " or ".join(f"{each}NAME[@REVISION]" if each.endswith(":") else each for each in allowed)
        raise ValueError(f"expected {expected}; NAME is one of the Hugging Face Hub, or a folder's path")
    folder = ModelChoice(kind, model)
    if not colon or folder.is_folder:
        return folder
    name, at, revision = model.partition("@")
    if not _HUB_NAME.fullmatch(name) or (at and not _REVISION.fullmatch(revision)):
        raise ValueError(
            f"{model!r} is no NAME[@REVISION] of the Hugging Face Hub; a folder's path begins with / or ./"
        )
    return ModelChoice(kind, name, revision or None)
