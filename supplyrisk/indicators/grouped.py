"""The same indicators for very many groups at once, from long tables coded as integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from supplyrisk import _validation as check
from supplyrisk.indicators._inputs import as_amounts, as_floats, as_governance, as_within, require

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_MOST_CELLS_PER_ROW: Final = 8
"""Beyond it most pairs of group and supplier are empty, and are better not laid out. [1]"""


def hhi_by_group(
    amounts: ArrayLike, supplier: ArrayLike, group: ArrayLike, *, n_groups: int
) -> Floats:
    """Return the Herfindahl-Hirschman index of each group of a long table.

    Parameters
    ----------
    amounts : array_like, shape (n_rows,)
        Amounts; those of one supplier in one group are summed first. [t/a]
    supplier : array_like of int, shape (n_rows,)
        Code of the supplier of each row, from 0.
    group : array_like of int, shape (n_rows,)
        Code of the group of each row, such as a material and year, from 0.
    n_groups : int
        Number of groups; one without rows has a place too.

    Returns
    -------
    ndarray, shape (n_groups,)
        Index of each group, as `hhi` with ``renormalise=True``; NaN where nothing is supplied. [1]

    Raises
    ------
    ValueError
        If the arrays differ in length, an amount is negative, NaN or infinite, or a code is no
        whole number in its range.

    Examples
    --------
    >>> hhi_by_group([30, 10, 5, 5, 10], [0, 1, 0, 0, 1], [0, 0, 2, 2, 2], n_groups=3).tolist()
    [0.625, nan, 0.5]
    """
    supplied = as_amounts("amounts", amounts)
    owner = _as_codes("group", group, supplied.size, n_groups)
    seller = _as_codes("supplier", supplier, supplied.size)
    n_suppliers = int(seller.max()) + 1
    if n_groups * n_suppliers > np.iinfo(np.intp).max:
        raise ValueError(f"supplier must be codes small enough to count, got {n_suppliers - 1}")
    pair = owner * n_suppliers + seller
    total = _sums(owner, supplied, n_groups)
    whole = np.where(total > 0, total, np.nan)
    if n_groups * n_suppliers <= _MOST_CELLS_PER_ROW * supplied.size:
        cells = _sums(pair, supplied, n_groups * n_suppliers).reshape(n_groups, n_suppliers)
        cells /= whole[:, np.newaxis]
        squares: Floats = np.einsum("gs,gs->g", cells, cells)
    else:
        pairs, place = np.unique(pair, return_inverse=True)
        holder = pairs // n_suppliers
        shares = _sums(place, supplied, pairs.size) / whole[holder]
        squares = _sums(holder, shares * shares, n_groups)
    return np.where(total > 0, np.minimum(squares, 1.0), np.nan)


def geopolrisk_by_group(
    *,
    hhi: ArrayLike,
    imports: ArrayLike,
    instability: ArrayLike,
    group: ArrayLike,
    domestic_production: ArrayLike,
) -> Floats:
    """Return the GeoPolRisk score of each group of a long table of imports.

    Parameters
    ----------
    hhi : array_like, shape (n_groups,)
        Index of the world's production that belongs to each group, as of `hhi_by_group`; NaN where
        it is not known. [1]
    imports : array_like, shape (n_rows,)
        Imports by flow. [t/a]
    instability : array_like, shape (n_rows,)
        Political instability of the partner of each flow in ``[0, 1]``; 0 for flows inside a group
        of countries. [1]
    group : array_like of int, shape (n_rows,)
        Code of the group of each row, such as a material, importer and year, from 0.
    domestic_production : array_like, shape (n_groups,)
        Production of the importer of each group. [t/a]

    Returns
    -------
    ndarray, shape (n_groups,)
        Score of each group, as of `geopolrisk`; NaN where nothing is imported or produced at home,
        and where the index is NaN. [1]

    Raises
    ------
    ValueError
        If arrays that belong together differ in length, an amount is negative, NaN or infinite, an
        instability is missing or outside ``[0, 1]``, or a code is out of range.

    Examples
    --------
    >>> geopolrisk_by_group(hhi=[0.5, 0.5], imports=[50, 30], instability=[0.2, 0.7],
    ...                     group=[0, 0], domestic_production=[20, 0]).round(6).tolist()
    [0.155, nan]
    """
    flows = as_amounts("imports", imports)
    own = as_amounts("domestic_production", domestic_production)
    risk = as_governance("instability", instability, flows.shape, 1.0)
    owner = _as_codes("group", group, flows.size, own.size)
    index = as_floats("hhi", hhi, f"must be an array of numbers of shape {own.shape}")
    as_within("hhi", np.where(np.isnan(index), 0.0, index), own.shape, 0.0, 1.0)
    supplied = own + _sums(owner, flows, own.size)
    risky = _sums(owner, flows * risk, own.size)
    return index * risky / np.where(supplied > 0, supplied, np.nan)


def _sums(codes: Codes, amounts: Floats, n_codes: int) -> Floats:
    return np.bincount(codes, amounts, n_codes).astype(np.float64, copy=False)


def _as_codes(name: str, codes: ArrayLike, size: int, n_codes: int | None = None) -> Codes:
    """Return whole numbers from 0, one for each row, or raise."""
    given = np.asarray(codes)
    if n_codes is not None:
        require("grouped", check.whole(f"number of codes of {name}", n_codes, least=1))
    if given.dtype.kind not in "iu" or given.shape != (size,):
        rule = f"must be a whole number for each of {size} rows"
        raise ValueError(f"{name} {rule}, got {given.dtype} of shape {given.shape}")
    low, high = int(given.min()), int(given.max())
    if low < 0 or (n_codes is not None and high >= n_codes):
        below = "" if n_codes is None else f" and below {n_codes}"
        raise ValueError(f"{name} must be codes from 0{below}, got {low} to {high}")
    return given.astype(np.intp, copy=False)
