"""What a version must show before it serves: on held-out examples first, then on audits.

Audits are tickets that were drawn at random and labelled by a person who did not see what a model says. They
alone judge what the models do in service.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ticketmill.learning.audits import Audit
from ticketmill.learning.comparison import Comparison, at_least, mcnemar

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class GateSettings:
    """How much a version must show."""

    min_held_out: int = 50
    """The fewest held-out examples that both models have."""
    min_groups: int = 20
    """The fewest groups of equal size that tell as much as these examples. Of fewer the bootstrap's interval
    is too narrow, and of one it has no width (Cameron and Miller, A Practitioner's Guide to Cluster-Robust
    Inference, 2015: too few are less than 20 to 50)."""
    margin: float = 0.01
    """How much worse the challenger may be at the lower end of the interval."""
    min_audits: int = 200
    """The fewest audits of tickets that both models predicted."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """Whether a gate is passed, and the numbers that say so."""

    gate: str
    passed: bool
    said: str


def held_out_gate(comparison: Comparison | None, settings: GateSettings) -> GateResult:
    """Passed where the challenger is not worse: the lower end of the difference's interval is not below
    minus the margin. None as `comparison`: there is nothing to compare."""
    examples = 0 if comparison is None else comparison.examples
    if comparison is None or examples < settings.min_held_out:
        return GateResult(
            "held-out",
            passed=False,
            said=f"{examples} held-out examples have predictions of both models, {settings.min_held_out} are "
            "needed",
        )
    if comparison.equal_groups < settings.min_groups:
        return too_few_groups(comparison, settings)
    difference = comparison.difference
    return GateResult(
        "held-out",
        passed=difference.low >= -settings.margin,
        said=f"{comparison.measure} {comparison.challenger.value:.3f} beside {comparison.champion.value:.3f} "
        f"on {examples:,} held-out examples: difference {difference.value:+.3f}, 95% interval "
        f"{difference.low:+.3f} to {difference.high:+.3f}, at least {-settings.margin:+.3f} is needed",
    )


def too_few_groups(comparison: Comparison, settings: GateSettings) -> GateResult:
    """Not passed, because too many held-out examples are alike."""
    groups = "1 group" if comparison.groups == 1 else f"{comparison.groups} groups"
    return GateResult(
        "held-out",
        passed=False,
        said=f"{comparison.examples:,} held-out examples are in {groups}, which tell as much as "
        f"{comparison.equal_groups:.1f} of equal size, and {settings.min_groups} are needed for an interval: "
        "label tickets of more customers and threads, build the dataset and train again",
    )


def audit_gate(audits: Sequence[Audit], settings: GateSettings) -> GateResult:
    """Passed where at least so many audits do not show the challenger to be worse, by an exact McNemar
    test."""
    count = len(audits)
    if count < settings.min_audits:
        return too_few_audits(count, settings)
    if not audits:
        return GateResult("audits", passed=True, said="no audits are asked for")
    champion = [set(each.champion) == set(each.right) for each in audits]
    challenger = [set(each.challenger) == set(each.right) for each in audits]
    lost = sum(mine and not theirs for mine, theirs in zip(champion, challenger, strict=True))
    won = sum(theirs and not mine for mine, theirs in zip(champion, challenger, strict=True))
    is_worse = lost > won and at_least(lost, lost + won) < SIGNIFICANCE
    return GateResult(
        "audits",
        passed=not is_worse,
        said=f"{sum(challenger) / count:.3f} right beside {sum(champion) / count:.3f} of "
        f"{count:,} audits: the challenger alone {won}, the other alone {lost}, exact McNemar p "
        f"{mcnemar(won, lost):.3f}",
    )


def too_few_audits(count: int, settings: GateSettings) -> GateResult:
    """Not passed, because there are only so many."""
    return GateResult(
        "audits",
        passed=False,
        said=f"{count:,} audits of content that both models can be asked about, {settings.min_audits:,} are "
        "needed: `ticketmill label next --how audit` draws them",
    )
