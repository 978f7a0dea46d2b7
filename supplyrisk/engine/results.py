"""What a simulation leaves behind, block by block, before it is put into tables."""

from __future__ import annotations

import platform
from dataclasses import dataclass, fields, replace
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.engine._years import BLOCK_YEARS
from supplyrisk.engine.contributions import Sums
from supplyrisk.engine.markets import MarketResult
from supplyrisk.engine.streams import BLOCK_SIZE
from supplyrisk.model.provenance import Provenance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.engine.exposures import BuyerLosses
    from supplyrisk.model.case import Case

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class EventRows:
    """Events and what they lost, a row per event and site; every field of shape (n_rows,).

    Attributes
    ----------
    scenario, threat, number, site
        Scenario, threat of the plan, number of the event in its block, and site of the plan.
    lost_t
        Loss within the horizon after events that started earlier. [t]
    alone_t
        Loss within the horizon if it were the only event. [t]
    start_days
        Start of the outage against the start of the case. [d]
    outage_days, ramp_days
        Whole lengths of outage and ramp-up. [d]
    severity
        Share of planned production lost while the outage lasts. [1]
    """

    scenario: Ints
    threat: Ints
    number: Ints
    site: Ints
    lost_t: Floats
    alone_t: Floats
    start_days: Floats
    outage_days: Floats
    ramp_days: Floats
    severity: Floats


@dataclass(frozen=True, slots=True)
class BlockResult:
    """Results of one block, or of several joined.

    Attributes
    ----------
    lost_t
        Lost production, shape (n_scenarios,). [t]
    largest_loss_t
        Loss of the largest single event, shape (n_scenarios,). [t]
    rows
        Events and what they lost; none where blocks are joined, whose events an `EventTable` has.
    supply_t
        Production by step of the kept scenarios, shape (n_kept, n_steps). [t]
    markets
        Prices, metal and buyers by commodity; none by occurrence, or without a market.
    sums
        Sums of the parts' losses and of their squares, by site, country, peril and threat.
    """

    lost_t: Floats
    largest_loss_t: Floats
    rows: EventRows
    supply_t: Floats
    markets: dict[str, MarketResult]
    sums: dict[str, Sums]

    def shifted(self, first: int) -> BlockResult:
        """Count scenarios from the first of the simulation instead of the first of the block."""
        return replace(self, rows=replace(self.rows, scenario=self.rows.scenario + first))

    @property
    def buyers(self) -> dict[str, BuyerLosses]:
        """Losses of each buyer by id, of every commodity."""
        return {name: lost for m in self.markets.values() for name, lost in m.buyers.items()}

    def without_events(self) -> BlockResult:
        """Drop the event loss table: no summary needs it."""
        return replace(self, rows=no_rows())


def no_rows() -> EventRows:
    """Return an event table without events."""
    whole, real = np.empty(0, dtype=np.intp), np.empty(0)
    return EventRows(whole, whole, whole, whole, real, real, real, real, real, real)


def sorted_rows(tables: list[EventRows]) -> EventRows:
    """Join event tables, sorted by scenario, site and start; ties keep the order of the threats.

    Parameters
    ----------
    tables : list of EventRows
        Tables of different sites.

    Returns
    -------
    EventRows
        All their rows.
    """
    columns = [f.name for f in fields(EventRows)]
    whole = EventRows(
        *(np.concatenate([getattr(t, name) for t in (no_rows(), *tables)]) for name in columns)
    )
    order = np.lexsort((whole.threat, whole.start_days, whole.site, whole.scenario))
    return EventRows(*(getattr(whole, name)[order] for name in columns))


def joined(blocks: list[BlockResult]) -> BlockResult:
    """Join the results of blocks.

    Parameters
    ----------
    blocks : list of BlockResult
        At least one, in order.

    Returns
    -------
    BlockResult
        One result for all of them, without their events.
    """
    return BlockResult(
        lost_t=_sealed(np.concatenate([block.lost_t for block in blocks])),
        largest_loss_t=_sealed(np.concatenate([block.largest_loss_t for block in blocks])),
        rows=no_rows(),
        supply_t=np.concatenate([block.supply_t for block in blocks]),
        markets={
            commodity: MarketResult.joined([block.markets[commodity] for block in blocks])
            for commodity in blocks[0].markets
        },
        sums={
            by: Sums(*(sum(columns) for columns in zip(*(b.sums[by] for b in blocks), strict=True)))
            for by in blocks[0].sums
        },
    )


def _sealed(values: Floats) -> Floats:
    """Return an array that nobody can write into: a result stays what its provenance says."""
    values.flags.writeable = False
    return values


def provenance_of(case: Case, seed: int, n_scenarios: int, basis: str) -> Provenance:
    """Return what a simulation was made from."""
    versions = {name: metadata.version(name) for name in ("supplyrisk", "numpy", "scipy")}
    return Provenance(
        case_name=case.name,
        case_digest=case.digest,
        seed=seed,
        n_scenarios=n_scenarios,
        block_size=BLOCK_SIZE if basis == "calendar" else BLOCK_YEARS,
        basis=basis,
        versions={"python": platform.python_version(), **versions},
    )
