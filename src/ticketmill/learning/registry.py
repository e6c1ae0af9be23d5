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
    FileEntry,
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
    """The version of a training: `files`, with the card beside them. It serves nothing yet.

    The version that the job has already, or that has the same content, is returned as it is.
    """
    return register_files(store, {**files, CARD_FILE: card_bytes(card)}, card, job, who, now)


def register_files(
    store: LearningStore,
    files: Mapping[str, bytes],
    card: ModelCard,
    job: str,
    who: str,
    now: datetime,
) -> ModelVersion:
    """The same of files with the card's among them, byte by byte."""
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
        )
        if store.versions.add_version(version):
            return version
    raise TransientFailure(f"the versions of {card.task} changed {MAX_WRITE_ATTEMPTS} times under this write")


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
    """The files of a version, each verified against its hash.

    Refused as a model mismatch, with the file's name, where one is missing or another one.
    """
    return {name: _load(store, version, name) for name in version.files}


def load_card(store: LearningStore, version: ModelVersion) -> ModelCard:
    """The card of a version, verified against its hash."""
    return card_of(_load(store, version, CARD_FILE), version.name)


def card_of(body: bytes, name: str) -> ModelCard:
    """The card in a file; `name` is the version's. Refused where it is none."""
    try:
        return ModelCard.model_validate_json(body)
    except ValidationError as error:
        fields = sorted({str(each["loc"][0]) if each["loc"] else CARD_FILE for each in error.errors()})
        raise mismatch(
            name, f"{CARD_FILE} is no card that this version of ticketmill reads: {', '.join(fields)}"
        ) from None


def _load(store: LearningStore, version: ModelVersion, name: str) -> bytes:
    body = store.objects.get(model_file(version.task, version.content, name))
    verify(version.name, name, version.files.get(name), body)
    assert body is not None  # noqa: S101 - verified
    return body


def verify(version: str, name: str, entry: FileEntry | None, body: bytes | None) -> None:
    """Refused as a model mismatch unless `body` is the file that the version names."""
    if entry is None:
        raise mismatch(version, f"it has no {name}")
    if body is None:
        raise mismatch(version, f"{name} is missing")
    found = entries_of({name: body})[name]
    if found != entry:
        raise mismatch(
            version,
            f"{name} is not the file that was registered ({found.size_bytes:,} bytes with sha256 "
            f"{found.sha256[:12]}…, registered {entry.size_bytes:,} with {entry.sha256[:12]}…)",
        )


def mismatch(version: str, what: str) -> LearningRefused:
    """The refusal of files that are not those of their version."""
    return LearningRefused(
        LearningCode.MODEL_MISMATCH,
        f"{version} cannot be used: {what}; import it again from an export, or train again",
    )
