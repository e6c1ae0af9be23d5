"""The registry of learned versions: a version's files first, then the item that numbers it.

Files lie under the hash of their content and never change. Whatever dies in between leaves files that no
version names, and the same call again goes on where it ended: a job has one version, and so has a content.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import ValidationError

from ticketmill.domain.errors import LearningCode, LearningRefused, TransientFailure
from ticketmill.domain.keys import model_file
from ticketmill.domain.model_card import (
    CARD_FILE,
    ModelCard,
    ModelVersion,
    content_of,
    entries_of,
    version_name,
)
from ticketmill.learning.store import LearningStore

MAX_WRITE_ATTEMPTS = 8


def register(
    store: LearningStore,
    files: Mapping[str, bytes],
    card: ModelCard,
    job: str,
    who: str,
    now: datetime,
) -> ModelVersion:
    """The version of `files`, with the card beside them. It serves nothing yet.

    The version that the job has already, or that has the same content, is returned as it is. Files with the
    card's among them keep its bytes: an import has the content of what was exported.
    """
    files = {CARD_FILE: card_bytes(card), **files}
    entries = entries_of(files)
    content = content_of(entries)
    stored = False
    for _ in range(MAX_WRITE_ATTEMPTS):
        known = store.versions.versions(card.task)
        for each in known:
            if job == each.job or content == each.content:
                return each
        if not stored:
            for name in entries:
                store.objects.put(model_file(card.task, content, name), files[name])
            stored = True
        version = ModelVersion(
            task=card.task,
            number=max((each.number for each in known), default=0) + 1,
            content=content,
            files=entries,
            dataset=card.dataset,
            encoder=card.encoder,
            accuracy=card.accuracy.value,
            job=job,
            who=who,
            at=now,
            parent=serving_version(store, card.task),
        )
        if store.versions.add_version(version):
            return version
    raise TransientFailure(f"the versions of {card.task} changed {MAX_WRITE_ATTEMPTS} times under this write")


def serving_version(store: LearningStore, task: str) -> int | None:
    """The number of the version that serves a task; None for the model of the bundle."""
    decision = store.rollouts.current().tasks.get(task)
    return None if decision is None else decision.serving


def card_bytes(card: ModelCard) -> bytes:
    """The card as a file. The same card gives the same bytes."""
    return card.model_dump_json(indent=1).encode() + b"\n"


def find_version(store: LearningStore, name: str) -> ModelVersion:
    """The version of a name such as `intent/v3`. Refused where there is none."""
    task, _, number = name.partition("/")
    digits = number.removeprefix("v")
    known = store.versions.versions(task) if digits.isdecimal() else []
    for each in known:
        if each.number == int(digits):
            return each
    raise _unknown(store, name, task, known)


def _unknown(store: LearningStore, name: str, task: str, known: list[ModelVersion]) -> LearningRefused:
    if not known and (names := store.versions.tasks()):
        is_task = task in names
        hint = f"name it as in {version_name(task if is_task else names[0], 1)}"
        said = f"{hint}; tasks with versions: {', '.join(names)}"
    elif known:
        said = f"the newest is {known[0].name}; `ticketmill models list {task}` shows all"
    else:
        said = "nothing is registered yet: `ticketmill train` registers a version"
    return LearningRefused(LearningCode.UNKNOWN_VERSION, f"there is no version {name}: {said}")


def load_files(store: LearningStore, version: ModelVersion) -> dict[str, bytes]:
    """The files of a version, each verified against its hash. Refused where one is missing or another one."""
    keys = {name: model_file(version.task, version.content, name) for name in version.files}
    return version.verified({name: store.objects.get(key) for name, key in keys.items()})


def load_file(store: LearningStore, version: ModelVersion, name: str) -> bytes:
    """One file of a version, verified."""
    return version.verified_file(name, store.objects.get(model_file(version.task, version.content, name)))


def load_card(store: LearningStore, version: ModelVersion) -> ModelCard:
    """The card of a version, verified."""
    return card_of(load_file(store, version, CARD_FILE), version.name)


def card_of(body: bytes, name: str) -> ModelCard:
    """The card in a file; `name` is the version's. Refused where this ticketmill cannot read it."""
    try:
        return ModelCard.model_validate_json(body)
    except ValidationError as error:
        fields = sorted({str(each["loc"][0]) if each["loc"] else CARD_FILE for each in error.errors()})
        raise LearningRefused(
            LearningCode.MODEL_MISMATCH,
            f"the card of {name} cannot be read ({', '.join(fields)}): run the newest ticketmill",
        ) from None
