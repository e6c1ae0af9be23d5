"""How likely so many tickets about one thing are, where nothing happens."""

from __future__ import annotations

import math

import numpy as np

from ticketmill.arrays import Floats

_TILTS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0)
"""Where the bound is tried. Each is a bound, so the best of some is one."""


def count_surprise(n: int, k: int, tickets: int, baseline: int) -> float:
    """-ln P(NegBin(k + ½, baseline / (baseline + tickets)) ≥ n); 0 where n is no more than expected.

    `n` of the window's `tickets` are about one thing, and `k` of the `baseline` tickets before. The topic's
    share of all tickets has the posterior Gamma(k + ½) / baseline, with Jeffreys' prior of a Poisson rate.
    """
    r, share = k + 0.5, tickets / (baseline + tickets)
    if n <= r * tickets / max(1, baseline):
        return 0.0
    log_p = math.lgamma(n + r) - math.lgamma(r) - math.lgamma(n + 1)
    log_p += r * math.log1p(-share) + n * math.log(share)
    term = total = 1.0
    while term > 1e-9 * total:
        term *= (n + r) / (n + 1) * share
        total += term
        n += 1
    return -(log_p + math.log(total))


def weight_surprise(total: float, before: Floats, tickets: int) -> float:
    """-ln of a bound of P(the weights of a window's `tickets` add up to `total` or more).

    `before`: (tickets,), the weights from 0 to 1 of those of the baseline. A window is so many draws of them;
    half a ticket of weight 1 stands for what was not seen yet. Source: Chernoff, A measure of asymptotic
    efficiency for tests of a hypothesis based on the sum of observations, 1952; for compound Poisson sums.
    """
    some = before[before > 0]
    found = 0.0
    for tilt in _TILTS:
        moment = (float(np.expm1(tilt * some).sum()) + 0.5 * math.expm1(tilt)) / max(1, len(before))
        found = max(found, tilt * total - tickets * moment)
    return found
