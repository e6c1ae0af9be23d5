"""Documents as jobs keep and read them: under a project, and as examples of a task."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ticketmill.domain.dataset import Example, Origin
from ticketmill.domain.document import Document
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.keys import documents_file, documents_prefix
from ticketmill.domain.ticket import has_text
from ticketmill.learning.annotations import Annotated, Annotation, Gathered, hash_of
from ticketmill.learning.hold_out import ALONE, GIVEN, Sides
from ticketmill.learning.ports import LearningObjects

NAME_DIGITS = 32
_TASK = re.compile(r"[a-z][a-z0-9_]{1,63}")
_FIELD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class ProjectDocuments:
    """The documents of projects: a file of JSON lines for each job that kept some."""

    objects: LearningObjects

    def keep(self, project: str, documents: Iterable[Document], moment: datetime) -> str:
        """Keeps documents as of `moment`, and gives their key. Of one id the later moment wins; the same job
        again writes the same object."""
        lines = lines_of(documents)
        content = hashlib.sha256(lines).hexdigest()[:NAME_DIGITS]
        key = documents_file(project, moment, content)
        self.objects.put(key, gzip.compress(lines, mtime=0))
        return key

    def read(self, project: str, ids: Collection[str] | None = None) -> list[Document]:
        """The documents of a project in the order of their ids; of `ids` alone where they are given.

        LearningRefused where there is none.
        """
        found: dict[str, Document] = {}
        for key in self.objects.keys(documents_prefix(project)):
            for each in documents_of(self.objects.get(key)):
                found[each.document_id] = each
        wanted = found if ids is None else {each: found[each] for each in ids if each in found}
        if not wanted:
            raise LearningRefused(
                LearningCode.NO_DOCUMENTS,
                f"project {project} has no such documents: index some by `ticketmill jobs submit index "
                f"--project {project} --uri FILE`",
            )
        return [wanted[each] for each in sorted(wanted)]


def lines_of(documents: Iterable[Document]) -> bytes:
    """Documents as JSON lines: the same documents are the same bytes."""
    return b"".join(each.model_dump_json(exclude_defaults=True).encode() + b"\n" for each in documents)


def documents_of(body: bytes | None) -> list[Document]:
    """The documents of an object; none where it is gone."""
    lines = b"" if body is None else gzip.decompress(body)
    return [Document.model_validate_json(line) for line in lines.splitlines()]


def document_of(example: Example, task: str) -> Document:
    """An example of a dataset as a document, labelled for `task`."""
    return Document(
        document_id=example.example_id,
        subject=example.subject,
        body=example.body,
        source=example.source,
        labels={task: example.labels},
        is_training_data=not example.held_out,
        group=example.group,
        content_hash=example.content_hash,
    )


def example_of(document: Document, task: str | None = None) -> Example:
    """A document as an example of `task`, with no labels where it has none."""
    return Example(
        example_id=document.document_id,
        subject=document.subject,
        body=document.body,
        source=document.source,
        labels=document.labels.get(task, ()) if task else (),
        group=document.group or f"{ALONE}{document.document_id}",
        held_out=not document.is_training_data,
        origin=Origin.FILE,
        content_hash=document.content_hash,
    )


def field_task(field: int | str) -> str:
    """The task of a field as other systems number or name fields: 7 is `field_7`, a task's name is itself.

    LearningRefused for what can name no task.
    """
    name = str(field)
    if _TASK.fullmatch(name):
        return name
    if not _FIELD.fullmatch(name):
        raise LearningRefused(
            LearningCode.UNKNOWN_TASK, "a field is a number, or a word of letters, digits, - and _: name one"
        )
    return f"field_{name.lower().replace('-', '_')}"


def new_document(
    document_id: str,
    subject: str,
    body: str,
    source: str | None = None,
    labels: dict[str, tuple[str, ...]] | None = None,
    is_training_data: bool = True,
    group: str | None = None,
) -> Document:
    """A document of a text that is no uploaded ticket."""
    return Document(
        document_id=document_id,
        subject=subject,
        body=body,
        source=source,
        labels=labels or {},
        is_training_data=is_training_data,
        group=group,
        content_hash=hash_of(subject, body),
    )


def readable(documents: Sequence[Document]) -> list[Document]:
    """Those that have a text, each id once: the later one. LearningRefused where none has."""
    found = {each.document_id: each for each in documents if has_text(each.subject) or has_text(each.body)}
    if not found:
        raise LearningRefused(
            LearningCode.NO_DOCUMENTS, f"none of the {len(documents)} documents has a text: name others"
        )
    return list(found.values())


def labelled(documents: Sequence[Document], task: str) -> list[Document]:
    """Those that have a label of `task`. LearningRefused where none has."""
    found = [each for each in documents if each.labels.get(task)]
    if not found:
        raise LearningRefused(
            LearningCode.NO_DOCUMENTS,
            f"none of the {len(documents)} documents has a label of {task}: label some, or name others",
        )
    return found


def sides_of(documents: Sequence[Document]) -> Sides | None:
    """The sides that documents say themselves; None where all may be trained on, and chance decides."""
    held_out = frozenset(each.document_id for each in documents if not each.is_training_data)
    if not held_out:
        return None
    trained = frozenset(each.document_id for each in documents if each.is_training_data)
    return Sides(held_out=held_out, trained=trained)


def gathered(documents: Sequence[Document], task: str) -> Gathered:
    """Labelled documents as annotated texts, of which a dataset is built."""
    found = Gathered()
    for each in documents:
        found.add(
            Annotated(
                example_id=each.document_id,
                subject=each.subject,
                body=each.body,
                origin=Origin.FILE,
                content_hash=each.content_hash,
                annotations=[Annotation("document", each.labels[task])],
                source=each.source,
                links=() if each.group is None else (f"{GIVEN}{each.group}",),
            )
        )
    return found
