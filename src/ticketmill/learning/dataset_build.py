"""From annotated texts to a dataset: conflicts resolved, groups formed, the hold-out drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches

from ticketmill.domain.dataset import Conflict, Dataset, Example, LeftOut, Origin
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.model_card import TaskKind
from ticketmill.learning.annotations import THREAD, Annotated, Gathered, resolve
from ticketmill.learning.hold_out import ALONE, MIN_TRAINED, Candidate, Sides, Split, split
from ticketmill.learning.near_duplicates import near_duplicates
from ticketmill.learning.snapshots import Snapshot, counts_of, lines_of, name_of

MAX_CONFLICTS = 100
MAX_NAMED = 10


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """What a dataset is for. `vocabulary` has the labels that there are; without it those of the data."""

    task: str
    kind: TaskKind = "single"
    vocabulary: Collection[str] | None = None
    leave_out_rare: bool = False
    """Leave out labels with too few examples, where it would be refused."""
    min_trained: int = MIN_TRAINED
    """Examples that a label needs for training."""


@dataclass(frozen=True, slots=True)
class _Labelled:
    """A text with the labels that it has by the rule."""

    annotated: Annotated
    labels: tuple[str, ...]


def build(
    gathered: Gathered,
    spec: DatasetSpec,
    parent: Snapshot | None,
    now: datetime,
    given: Sides | None = None,
) -> Snapshot:
    """The dataset of what was gathered. Its hold-out has that of `parent`, and the sides that are given.

    The same texts, annotations and parent give the same dataset. Raises LearningRefused where nothing can be
    learned from it.
    """
    left_out = Counter(gathered.left_out)
    labelled, conflicts = _resolved(gathered, spec, left_out)
    before = (Sides() if parent is None else parent.sides).joined(given or Sides())
    made = _split(labelled, before)
    left_out[LeftOut.JUDGED_BEFORE] += len(made.unusable)
    usable = [each for each in labelled if each.annotated.example_id not in made.unusable]
    usable = _without_rare(usable, made, spec, left_out)
    _refuse_one_class(usable, spec, left_out)
    examples = tuple(
        _example(each, made) for each in sorted(usable, key=lambda each: each.annotated.example_id)
    )
    _refuse_no_hold_out(examples, spec)
    manifest = _manifest(examples, spec, conflicts, left_out).model_copy(
        update={"parent": None if parent is None else parent.manifest.name, "built_at": now}
    )
    return Snapshot(manifest, examples, _sides(examples, made, before))


def without_example(snapshot: Snapshot, example_id: str) -> Snapshot:
    """The same dataset without one example, under a name of its own. A group that is named by it gets another
    name."""
    manifest = snapshot.manifest
    kept = [each for each in snapshot.examples if each.example_id != example_id]
    telling = {example_id, *group_names(example_id)}
    next_name = f"{ALONE}{min((each.example_id for each in kept if each.group in telling), default='')}"
    examples = tuple(
        each.model_copy(update={"group": next_name}) if each.group in telling else each for each in kept
    )
    conflicts = tuple(each for each in manifest.conflicts if each.example_id != example_id)
    changed = manifest.model_copy(
        update={
            **_counted(examples, manifest.task),
            "conflicts": conflicts,
            "conflicting": manifest.conflicting - (len(manifest.conflicts) - len(conflicts)),
        }
    )
    if changed.name != manifest.name:
        changed = changed.model_copy(update={"replaces": manifest.name})
    return Snapshot(changed, examples, snapshot.sides.without(example_id))


def group_names(example_id: str) -> tuple[str, str]:
    """The names that a group may have from one of its examples."""
    return f"{ALONE}{example_id}", f"{THREAD}{example_id}"


def _resolved(
    gathered: Gathered, spec: DatasetSpec, left_out: Counter[LeftOut]
) -> tuple[list[_Labelled], list[Conflict]]:
    """The texts with the labels that stand by the rule, and what people did not agree on."""
    labelled: list[_Labelled] = []
    conflicts: list[Conflict] = []
    unknown: Counter[str] = Counter()
    for annotated in gathered.by_id.values():
        found = resolve(annotated, spec.kind)
        if found.conflict is not None:
            conflicts.append(found.conflict)
        if found.labels is None:
            left_out[found.why_not or LeftOut.TIE] += 1
        elif foreign := [each for each in found.labels if not _is_known(each, spec)]:
            if annotated.origin is Origin.FILE:
                unknown.update(foreign)
            else:
                left_out[LeftOut.UNKNOWN_LABEL] += 1
        else:
            labelled.append(_Labelled(annotated, found.labels))
    if unknown:
        _refuse_unknown(unknown, spec)
    if not labelled:
        _refuse_nothing(spec, left_out)
    return labelled, sorted(conflicts, key=lambda each: each.example_id)


def _is_known(label: str, spec: DatasetSpec) -> bool:
    return spec.vocabulary is None or label in spec.vocabulary


def _split(labelled: Sequence[_Labelled], before: Sides) -> Split:
    candidates = [
        Candidate(
            each.annotated.example_id,
            each.labels,
            each.annotated.links,
            may_judge=each.annotated.origin is not Origin.CORPUS,
        )
        for each in labelled
    ]
    ids = [each.example_id for each in candidates]
    pairs = near_duplicates([each.annotated.text for each in labelled])
    return split(candidates, [(ids[one], ids[other]) for one, other in pairs], before)


def _without_rare(
    labelled: list[_Labelled], made: Split, spec: DatasetSpec, left_out: Counter[LeftOut]
) -> list[_Labelled]:
    """Refuses labels with too few examples to train on, or leaves them out where `spec` says so."""
    counts = Counter({label: 0 for each in labelled for label in each.labels})
    for each in labelled:
        if each.annotated.example_id not in made.held_out:
            counts.update(each.labels)
    rare = {label: count for label, count in sorted(counts.items()) if count < spec.min_trained}
    if not rare:
        return labelled
    if not spec.leave_out_rare:
        raise LearningRefused(
            LearningCode.TOO_FEW_LABELS,
            f"too few examples to train {spec.task}: {_named(rare)}; each label needs {spec.min_trained}: "
            "label more, or leave these labels out by --leave-out-rare",
        )
    kept = []
    for each in labelled:
        labels = tuple(label for label in each.labels if label not in rare)
        if labels or (spec.kind == "multi" and not each.labels):
            kept.append(replace(each, labels=labels))
        else:
            left_out[LeftOut.RARE_LABEL] += 1
    return kept


def _example(labelled: _Labelled, made: Split) -> Example:
    annotated = labelled.annotated
    return Example(
        example_id=annotated.example_id,
        subject=annotated.subject,
        body=annotated.body,
        source=annotated.source,
        labels=labelled.labels,
        group=made.groups[annotated.example_id],
        held_out=annotated.example_id in made.held_out,
        origin=annotated.origin,
        who=tuple(sorted({each.who for each in annotated.annotations if each.who})),
        content_hash=annotated.content_hash,
    )


def _sides(examples: Sequence[Example], made: Split, before: Sides) -> Sides:
    """What is known of each example from now on. The corpus never judges: nothing is to be kept of it."""
    judging = [each for each in examples if each.origin != Origin.CORPUS]
    held_out = before.held_out | made.unusable | {each.example_id for each in judging if each.held_out}
    trained = before.trained | {each.example_id for each in judging if not each.held_out}
    return Sides(held_out=held_out, trained=trained)


def _manifest(
    examples: Sequence[Example],
    spec: DatasetSpec,
    conflicts: Sequence[Conflict],
    left_out: Counter[LeftOut],
) -> Dataset:
    return Dataset.model_validate(
        {
            "task": spec.task,
            "kind": spec.kind,
            **_counted(examples, spec.task),
            "left_out": {reason.value: left_out[reason] for reason in LeftOut if left_out[reason]},
            "conflicts": tuple(conflicts[:MAX_CONFLICTS]),
            "conflicting": len(conflicts),
        }
    )


def _counted(examples: Sequence[Example], task: str) -> dict[str, object]:
    """What a manifest says of its examples."""
    return {
        "name": name_of(task, lines_of(examples)),
        "labels": counts_of(examples),
        "examples": len(examples),
        "held_out": sum(each.held_out for each in examples),
        "groups": len({each.group for each in examples}),
        "origins": dict(sorted(Counter(str(each.origin) for each in examples).items())),
    }


def _refuse_unknown(unknown: Counter[str], spec: DatasetSpec) -> None:
    known = sorted(spec.vocabulary or ())

    def named(label: str) -> str:
        near = get_close_matches(label, known, n=1)
        return f'{label} (did you mean "{near[0]}"?)' if near else label

    first = ", ".join(named(label) for label, _ in unknown.most_common(MAX_NAMED))
    more = " …" if len(unknown) > MAX_NAMED else ""
    raise LearningRefused(
        LearningCode.UNKNOWN_LABEL,
        f"{spec.task} does not have the labels {first}{more}; it has {', '.join(known)}: correct the file, "
        "or take these as new labels by --new-labels",
    )


def _refuse_nothing(spec: DatasetSpec, left_out: Counter[LeftOut]) -> None:
    if left_out[LeftOut.STALE]:
        raise LearningRefused(
            LearningCode.STALE_CONTENT,
            f"all {left_out[LeftOut.STALE]} labels of {spec.task} are of earlier content of their tickets: "
            "look at these tickets again and confirm or correct them",
        )
    if left_out[LeftOut.TIE]:
        raise LearningRefused(
            LearningCode.CONFLICTING_LABELS,
            f"people do not agree on any of the {left_out[LeftOut.TIE]} labelled examples of {spec.task}: "
            "have one more person label them",
        )
    raise LearningRefused(
        LearningCode.TOO_FEW_LABELS,
        f"nobody has labelled {spec.task}{_because(left_out)}: label tickets by `ticketmill label`, or give "
        "a file by --data",
    )


def _refuse_one_class(labelled: Sequence[_Labelled], spec: DatasetSpec, left_out: Counter[LeftOut]) -> None:
    if len({each.labels for each in labelled}) > 1:
        return
    what = ", ".join(labelled[0].labels) if labelled and labelled[0].labels else "no label"
    raise LearningRefused(
        LearningCode.ONE_CLASS,
        f"all {len(labelled)} examples of {spec.task} say {what}{_because(left_out)}: label examples of "
        "another label too",
    )


def _refuse_no_hold_out(examples: Sequence[Example], spec: DatasetSpec) -> None:
    judging = [each for each in examples if each.origin != Origin.CORPUS]
    if judging and not any(each.held_out for each in judging):
        groups = len({each.group for each in judging})
        raise LearningRefused(
            LearningCode.NO_HOLD_OUT,
            f"no example of {spec.task} can be held out: {len(judging)} examples are in {groups} groups of "
            "customers, threads and near-duplicates, and each is needed for training; label tickets of more "
            "customers",
        )


def _because(left_out: Counter[LeftOut]) -> str:
    """As in ` (left out: 3 stale)`; empty where nothing was left out."""
    told = ", ".join(f"{left_out[reason]} {reason.value}" for reason in LeftOut if left_out[reason])
    return f" (left out: {told})" if told else ""


def _named(counts: dict[str, int]) -> str:
    shown = [f"{label} has {count}" for label, count in list(counts.items())[:MAX_NAMED]]
    return ", ".join(shown) + (f", and {len(counts) - MAX_NAMED} more" if len(counts) > MAX_NAMED else "")
