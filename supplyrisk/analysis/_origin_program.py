"""The linear programs behind `supplyrisk.analysis.origins`: arrays in, shares out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import optimize, sparse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Terms = tuple[tuple[Ints, Floats | float], ...]

_INFEASIBLE = 2
"""How linprog says that nothing fits."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a buyer's metal, tonnes in multiples of his demand.

    Attributes
    ----------
    production
        Planned production of each site, shape (n_sites,). [1]
    unknown
        The part of it of which no route says where it goes, shape (n_sites,). [1]
    feed
        Known feed of each smelter, shape (n_sites, n_smelters). [1]
    capacity
        Most feed of each smelter, shape (n_smelters,). [1]
    metal_yield
        Metal made of a tonne of feed, shape (n_smelters,). [1]
    share
        Share of the demand from each smelter, and then from each other source, shape
        (n_smelters + n_others,); None where the split between the smelters is not known. [1]
    holds
        Which sites each other source may draw on, shape (n_sites, n_others).
    anywhere
        Which of the other sources may draw on what is not modelled, shape (n_others,).
    """

    production: Floats
    unknown: Floats
    feed: Floats
    capacity: Floats
    metal_yield: Floats
    share: Floats | None
    holds: Bools
    anywhere: Bools


class _Program(NamedTuple):
    """Constraints, as linprog takes them, and the indices of the buyer's metal of each site."""

    constraints: dict[str, Any]
    metal: Ints
    width: int


def origin_shares(known: Known, *, merged: bool = True) -> Floats | None:
    """Return the least and the most share of the demand that each site can hold.

    Parameters
    ----------
    known : Known
        What is known.
    merged : bool, default True
        Whether sites that no source names merge with what is not modelled, but for the one asked
        about: their own feed could always be that instead, so that the bounds are the same.

    Returns
    -------
    ndarray, shape (n_sites, 2), or None
        Least and most share; None where no flow fits what is known. [1]
    """
    n_sites = len(known.production)
    named = np.flatnonzero(known.holds[:, ~known.anywhere].any(axis=1))
    shares = np.empty((n_sites, 2))
    for site in range(n_sites):
        kept = np.union1d([site], named) if merged else np.arange(n_sites)
        program = _program(known, kept)
        wanted = program.metal[np.searchsorted(kept, site)]
        for column, sign in enumerate((1.0, -1.0)):
            found = _solved(program, wanted, sign)
            if found is None:
                return None
            shares[site, column] = found
    # Away with what rounding leaves, such as -1e-17.
    shares = np.clip(shares, 0.0, 1.0)
    shares[:, 1] = shares.max(axis=1)
    return shares


def _solved(program: _Program, wanted: Ints, sign: float) -> float | None:
    cost = np.zeros(program.width)
    cost[wanted] = sign
    found: Any = optimize.linprog(cost, method="highs", **program.constraints)
    if found.status == _INFEASIBLE:
        return None
    if not found.success:
        raise RuntimeError(f"the linear program was not solved: {found.message}")
    return float(np.sum(found.x[wanted]))


def _program(known: Known, kept: Ints) -> _Program:
    """State the program with some sites one by one; the others are part of what feeds else."""
    n_sites, n_smelters = known.feed[kept].shape
    n_sources = n_smelters + len(known.anywhere)
    sizes = (n_sites * n_smelters, n_smelters, n_sites * n_sources, n_sources)
    width = sum(sizes)
    parts = np.split(np.arange(width), np.cumsum(sizes)[:-1])
    feed, else_feed = parts[0].reshape(n_sites, n_smelters), parts[1]
    metal, else_metal = parts[2].reshape(n_sites, n_sources), parts[3]

    bounds = np.tile([0.0, np.inf], (width, 1))
    bounds[feed, 0] = known.feed[kept]
    bounds[else_feed, 0] = np.delete(known.feed, kept, axis=0).sum(axis=0)
    bounds[metal[:, n_smelters:][~known.holds[kept]], 1] = 0.0
    bounds[else_metal[n_smelters:][~known.anywhere], 1] = 0.0

    pure = known.metal_yield
    rows: list[Terms] = [((feed[:, s], 1.0), (else_feed[[s]], 1.0)) for s in range(n_smelters)]
    rows += [((ways, 1.0),) for ways in feed]
    for makers, made in ((else_feed, else_metal), *zip(feed, metal, strict=True)):
        rows += [((made[[s]], 1.0), (makers[[s]], np.array([-pure[s]]))) for s in range(n_smelters)]
    rows += [((metal[i], 1.0), (feed[i], 1.0 - pure)) for i in range(n_sites)]
    most = (
        known.capacity,
        known.unknown[kept] + known.feed[kept].sum(axis=1),
        np.zeros(n_smelters * (1 + n_sites)),
        known.production[kept],
    )
    if known.share is None:
        equal, equal_rows = np.ones(1), [((metal.ravel(), 1.0), (else_metal, 1.0))]
    else:
        equal = known.share
        equal_rows = [((metal[:, c], 1.0), (else_metal[[c]], 1.0)) for c in range(n_sources)]
    constraints = {
        "A_ub": _matrix(rows, width),
        "b_ub": np.concatenate(most),
        "A_eq": _matrix(equal_rows, width),
        "b_eq": equal,
        "bounds": bounds,
    }
    return _Program(constraints, metal, width)


def _matrix(rows: Iterable[Terms], width: int) -> sparse.csr_array:
    """Return the matrix of rows, each of them pairs of indices and their coefficients."""
    columns = [np.concatenate([index for index, _ in row]) for row in rows]
    values = [np.concatenate([np.broadcast_to(c, i.shape) for i, c in row]) for row in rows]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in columns])])
    held = (np.concatenate(values), np.concatenate(columns), starts)
    return sparse.csr_array(held, shape=(len(columns), width))
