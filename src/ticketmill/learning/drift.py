"""Whether the newest tickets are like those that the models were chosen for.

Texts are compared by their embeddings, predictions by the shares of their labels, and people's words by how
often they differ. Each check has a p-value of its own; all share one alpha.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

import numpy as np

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.label import Correction, CorrectionKind, FoundBy
from ticketmill.learning.drift_plot import DriftPoint
from ticketmill.learning.drift_sample import Sample
from ticketmill.learning.significance import (
    Tested,
    energy_distance_of,
    energy_quantile,
    energy_test,
    holm,
    label_sets_test,
    proportion_test,
    share_test,
    shortfall_test,
)

ALPHA = 0.05
REFERENCE_TICKETS = 500
NEWEST_TICKETS = 200
MIN_TICKETS = 50
"""Fewer tickets on a side tell nothing."""
MIN_SPOKEN = 20
"""So many tickets must people have spoken of on both sides before overrides are compared."""
MIN_AUDITS = 30
"""So many audits a task must have before its accuracy is judged."""
MAX_SHARES = 20
"""A report has the shares of so many labels of a task."""
SEED = 0

TEXTS, REVIEW, OVERRIDES, AUDITS, LABELS = "texts", "review", "overrides", "audits", "labels"
"""What checks compare. Those of labels and audits are named with their task, as in `labels of intent`."""


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. `p_value` is None where it could not be made, for the reason in `note`."""

    name: str
    reference: float | None = None
    """The share, or the mean, of the reference; None where a check has none."""
    newest: float | None = None
    """The same of the newest tickets."""
    statistic: float | None = None
    p_value: float | None = None
    note: str = ""
    drifted: bool = False
    """Whether it is significant at the alpha that all checks share."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Of a check of labels: the share of the newest tickets that has each label, the most frequent first."""


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All checks, in the order in which they are told."""

    checks: tuple[Check, ...]
    alpha: float
    reference_tickets: int
    newest_tickets: int
    since: str = ""
    until: str = ""

    @property
    def drifted(self) -> tuple[Check, ...]:
        """What has drifted."""
        return tuple(check for check in self.checks if check.drifted)

    @property
    def inputs_drifted(self) -> bool:
        """Whether texts or predictions have changed: what new labels would help with."""
        return any(not check.name.startswith(AUDITS) for check in self.drifted)

    def audits_fell_short(self, task: str) -> bool:
        """Whether the audits of a task show a lower accuracy than its confidences promise."""
        return any(check.name == audits_of(task) for check in self.drifted)

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "drifted": [check.name for check in self.drifted]}


def labels_of(task: str) -> str:
    """The name of the check of a task's labels."""
    return f"{LABELS} of {task}"


def audits_of(task: str) -> str:
    """The name of the check of a task's audits."""
    return f"{AUDITS} of {task}"


def compare(
    reference: Sample,
    newest: Sample,
    audits: Iterable[Correction] = (),
    alpha: float = ALPHA,
    seed: int = SEED,
) -> DriftReport:
    """Every check that the samples allow. LearningRefused where there are too few tickets."""
    check_size(reference, "reference")
    check_size(newest, "newest part")
    rng = np.random.default_rng(seed)
    checks = [
        _texts(reference, newest, rng),
        *(_labels(task, reference, newest, rng) for task in newest.labels),
        *(_label_sets(task, reference, newest, rng) for task in newest.label_sets),
        _review(reference, newest),
        _overrides(reference, newest),
        *_audits(audits),
    ]
    return DriftReport(
        tuple(_judged(checks, alpha)),
        alpha,
        reference_tickets=reference.tickets,
        newest_tickets=newest.tickets,
        since=newest.first,
        until=newest.last,
    )


def check_size(sample: Sample, name: str) -> None:
    """LearningRefused where a sample is too small to be compared."""
    if sample.tickets < MIN_TICKETS:
        raise LearningRefused(
            LearningCode.TOO_FEW_TICKETS,
            f"drift needs {MIN_TICKETS} tickets on each side, and the {name} has {sample.tickets}: "
            "look further back with --since, or take fewer with --newest",
        )


def text_distances(
    reference: Sample, blocks: Sequence[Sample], block_tickets: int, alpha: float = ALPHA, seed: int = SEED
) -> list[DriftPoint]:
    """The energy distance of each block's texts from the reference, with the distance that blocks of the
    reference itself exceed in a share `alpha` of all draws."""
    known = reference.embeddings.astype(np.float64)
    threshold = energy_quantile(known, block_tickets, np.random.default_rng(seed), alpha)
    return [
        DriftPoint(
            datetime.fromisoformat(block.last),
            float(energy_distance_of(known, block.embeddings.astype(np.float64))),
            threshold,
        )
        for block in blocks
        if len(block.embeddings) >= MIN_TICKETS and block.embedded_by == reference.embedded_by
    ]


def judgements(journal: Iterable[Correction], since: datetime) -> list[Correction]:
    """The last audit of each ticket and task that was not taken back, if it was made from `since` on."""
    last: dict[tuple[str, str], Correction] = {}
    for each in journal:
        if each.kind == CorrectionKind.UNDO:
            last = {key: audit for key, audit in last.items() if not _takes_back(each, audit)}
        elif is_judgement(each) and each.at >= since:
            last[each.ticket_id, each.task] = each
    return list(last.values())


def _takes_back(undo: Correction, audit: Correction) -> bool:
    return undo.ticket_id == audit.ticket_id and undo.undoes == audit.number


def _judged(checks: Sequence[Check], alpha: float) -> list[Check]:
    """The checks, with those that are significant marked."""
    p_values = [each.p_value for each in checks if each.p_value is not None]
    verdicts = iter(holm(p_values, alpha))
    return [each if each.p_value is None else replace(each, drifted=next(verdicts)) for each in checks]


def _texts(reference: Sample, newest: Sample, rng: np.random.Generator) -> Check:
    if reference.embedded_by != newest.embedded_by:
        return Check(TEXTS, note="another model makes the embeddings now: keep a new reference")
    if min(len(reference.embeddings), len(newest.embeddings)) < MIN_TICKETS:
        return Check(TEXTS, note=f"fewer than {MIN_TICKETS} full records can be read")
    return _tested(
        TEXTS, energy_test(reference.embeddings.astype(float), newest.embeddings.astype(float), rng)
    )


def _labels(task: str, reference: Sample, newest: Sample, rng: np.random.Generator) -> Check:
    known, said = reference.labels.get(task, ()), newest.labels[task]
    return _of_labels(
        task,
        reference,
        newest,
        [(label,) for label in known],
        [(label,) for label in said],
        lambda: share_test(known, said, rng),
    )


def _label_sets(task: str, reference: Sample, newest: Sample, rng: np.random.Generator) -> Check:
    known, said = reference.label_sets.get(task, ()), newest.label_sets[task]
    labels = sorted({label for each in (*known, *said) for label in each})

    def test() -> Tested:
        before, now = (
            np.array([[label in each for label in labels] for each in some]) for some in (known, said)
        )
        return label_sets_test(before, now, rng)

    return _of_labels(task, reference, newest, known, said, test)


def _of_labels(
    task: str,
    reference: Sample,
    newest: Sample,
    known: Sequence[Sequence[str]],
    said: Sequence[Sequence[str]],
    test: Callable[[], Tested],
) -> Check:
    """A check of the labels of each ticket, before and now; it names the label whose share changed most."""
    name, shares = labels_of(task), _shares(said)
    most_frequent = dict(list(shares.items())[:MAX_SHARES])
    if list(reference.models.get(task, ())) != list(newest.models.get(task, ())):
        return Check(name, note="another model predicts it now: keep a new reference", shares=most_frequent)
    if min(len(known), len(said)) < MIN_TICKETS:
        return Check(name, note=f"fewer than {MIN_TICKETS} predictions on a side", shares=most_frequent)
    before = _shares(known)
    moved = {label: shares.get(label, 0.0) - before.get(label, 0.0) for label in sorted({*before, *shares})}
    if not moved:
        return Check(name, note="no ticket has a label")
    most = max(moved, key=lambda label: abs(moved[label]))
    tested = _tested(name, test(), before.get(most, 0.0), shares.get(most, 0.0), f"most: {most}")
    return replace(tested, shares=most_frequent)


def _shares(said: Sequence[Sequence[str]]) -> dict[str, float]:
    """The share of tickets that has each label, the most frequent first."""
    counts = Counter(label for each in said for label in each)
    return {label: count / len(said) for label, count in counts.most_common()}


def _review(reference: Sample, newest: Sample) -> Check:
    before, now = (reference.needs_review, reference.tickets), (newest.needs_review, newest.tickets)
    if reference.models != newest.models:
        note = "other models predict now: keep a new reference"
        return Check(REVIEW, newest=now[0] / now[1], note=note)
    return _tested(REVIEW, proportion_test(before, now), before[0] / before[1], now[0] / now[1])


def _overrides(reference: Sample, newest: Sample) -> Check:
    if min(reference.spoken, newest.spoken) < MIN_SPOKEN:
        return Check(OVERRIDES, note=f"people spoke of fewer than {MIN_SPOKEN} tickets on a side")
    before, now = (reference.overridden, reference.spoken), (newest.overridden, newest.spoken)
    return _tested(OVERRIDES, proportion_test(before, now), before[0] / before[1], now[0] / now[1])


def _audits(audits: Iterable[Correction]) -> list[Check]:
    """Of each task, whether audits show a lower accuracy than the confidences promise."""
    by_task: dict[str, list[tuple[float, bool]]] = {}
    for each in audits:
        if is_judgement(each) and each.shown is not None and each.shown.confidence is not None:
            pair = (each.shown.confidence, {*each.labels} == {*each.shown.labels})
            by_task.setdefault(each.task, []).append(pair)
    checks = []
    for task, pairs in sorted(by_task.items()):
        if len(pairs) < MIN_AUDITS:
            checks.append(Check(audits_of(task), note=f"{len(pairs)} audits, and {MIN_AUDITS} are needed"))
            continue
        confidences, hits = [each for each, _ in pairs], sum(is_right for _, is_right in pairs)
        expected = sum(confidences) / len(pairs)
        tested = shortfall_test(confidences, hits)
        checks.append(_tested(audits_of(task), tested, expected, hits / len(pairs), f"{len(pairs)} audits"))
    return checks


def is_judgement(correction: Correction) -> bool:
    """Whether it says of a random ticket what is right, without having been shown the prediction."""
    return correction.found_by == FoundBy.AUDIT and correction.kind in (
        CorrectionKind.LABEL,
        CorrectionKind.CONFIRM,
    )


def _tested(
    name: str, tested: Tested, reference: float | None = None, newest: float | None = None, note: str = ""
) -> Check:
    return Check(name, reference, newest, tested.statistic, tested.p_value, note)
