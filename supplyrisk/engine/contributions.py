"""Parts of the loss by site, country, peril and threat: their names, and what is summed of them."""

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
