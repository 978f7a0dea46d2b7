"""Parts of the loss by site, country, peril and threat: names, and the sums that a block keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine.plan import Plan

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]

TAIL_LEVEL: Final = 0.95
"""Level of the headline: the worst 1 in 20 futures. [1]"""
GROUPS: Final = ("site", "country", "peril", "threat")
"""What a loss is split by."""


class Labels(NamedTuple):
    """Names of the parts, and the part of each site or threat of a plan."""

    names: list[str]
    part: Ints
    of_sites: bool

    def of(self, threat: Ints, site: Ints) -> Ints:
        """Return the part of each row."""
        return self.part[site if self.of_sites else threat]


def labels(plan: Plan, by: str) -> Labels:
    """Name the parts of a plan.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    by : str
        One of `GROUPS`.

    Returns
    -------
    Labels
        Names in order, and where each site or threat belongs.
    """
    named = {
        "site": [site.site_id for site in plan.sites],
        "country": [site.country for site in plan.sites],
        "peril": [threat.peril for threat in plan.threats],
        "threat": [threat.name for threat in plan.threats],
    }[by]
    names = sorted(set(named))
    place = {name: number for number, name in enumerate(names)}
    part = np.array([place[name] for name in named], dtype=np.intp)
    return Labels(names, part, by in {"site", "country"})


class Sums(NamedTuple):
    """Sums over futures of each part's loss and of its square, shape (n_parts,)."""

    total_t: Floats
    square_t2: Floats


def sums(plan: Plan, scenario: Ints, threat: Ints, site: Ints, lost_t: Floats) -> dict[str, Sums]:
    """Sum the rows of a block by each of `GROUPS`; events of a part add before they are squared.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    scenario, threat, site : ndarray, shape (n_rows,)
        Where each loss belongs.
    lost_t : ndarray, shape (n_rows,)
        Losses. [t]

    Returns
    -------
    dict of str to Sums
        Sums by group.
    """
    out = {}
    for by in GROUPS:
        held = labels(plan, by)
        part, loss = added(scenario, held.of(threat, site), len(held.names), lost_t)[1:]
        total, square = (
            np.bincount(part, values, minlength=len(held.names)).astype(float)
            for values in (loss, loss**2)
        )
        out[by] = Sums(total, square)
    return out


def added(future: Ints, part: Ints, n_parts: int, loss: Floats) -> tuple[Ints, Ints, Floats]:
    """Add up the losses of each part in each future: future, part and loss of each sum."""
    cell, inverse = np.unique(future * n_parts + part, return_inverse=True)
    total = np.bincount(inverse, loss, minlength=len(cell)).astype(float)
    return cell // max(n_parts, 1), cell % max(n_parts, 1), total
