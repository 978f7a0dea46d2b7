"""What a chain is made of, as arrays: mines, legs, smelters, buyers.

Metal goes from a mine over a *leg* to a smelter or straight to the market; each leg is a *line*,
and a smelter's own purchases are one more line each. What a smelter makes of a line leaves over the
legs of the smelter, as *strands*. Direct lines and strands end at the market's *gates*. Gates of
one *family* stand in for each other: a mine with a standby leg delivers as long as either is open.

Metal keeps to its leg. What a closed one holds back waits for it, and takes no other way but a
standby leg of the same node.

Every flow is in tonnes of contained metal a day, every axis that is named here comes first, and the
axis of the scenarios last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.intp]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Mines:
    """Origins of metal; every field of shape (n_mines,).

    Attributes
    ----------
    planned
        Planned production. [t/d]
    capacity
        Most that can be produced. [t/d]
    stock_days
        Normal stock at the mine, in days of planned production. [d]
    makeup_share
        Share of lost production that is made up later, within the capacity. [1]
    """

    planned: Floats
    capacity: Floats
    stock_days: Floats
    makeup_share: Floats


@dataclass(frozen=True, slots=True)
class Legs:
    """Ways out of nodes; every field of shape (n_legs,), those of a node side by side.

    Attributes
    ----------
    origin
        Index of the node that they leave.
    share
        Share of what leaves the node on an undisturbed day; they sum to 1 at every node. [1]
    days
        Time in transit. [d]
    capacity
        Most that is carried; infinite where there is no limit. [t/d]
    standby
        Whether a leg is used only for what the others cannot take; its share is 0.
    """

    origin: Ints
    share: Floats
    days: Floats
    capacity: Floats
    standby: Flags


@dataclass(frozen=True, slots=True)
class Smelters:
    """Smelters, each of which a line leads to; every field of shape (n_smelters,).

    Attributes
    ----------
    planned
        Feed of an undisturbed day; 0 for one at the end of standby legs alone. [t/d]
    capacity
        Most feed that is taken in a day. [t/d]
    feed_days
        Normal stock of feed, in days of `planned`; psi of it is at least a step's feed. [d]
    psi
        Share of the normal stock below which throughput falls. [1]
    metal_yield
        Metal made of a tonne in feed. [1]
    alternative_share
        Share of `planned` that may be bought elsewhere where feed is short. [1]
    alternative_lag_days
        Time constant in which such purchases grow. [d]
    """

    planned: Floats
    capacity: Floats
    feed_days: Floats
    psi: Floats
    metal_yield: Floats
    alternative_share: Floats
    alternative_lag_days: Floats


@dataclass(frozen=True, slots=True)
class Network:
    """The way of one commodity from its mines to the market.

    Attributes
    ----------
    mines
        Origins.
    legs
        Ways out of the mines; the first lines.
    smelters
        Smelters.
    line_smelter
        Smelter that each line leads to, -1 for the market itself, shape (n_lines,). Lines after
        the last leg are purchases of smelters from elsewhere.
    strands
        Ways out of the smelters; `origin` is the line, of which each strand takes its share.
    family
        Family of each gate, ascending, shape (n_gates,).
    gate_line
        Direct line that ends at each gate, -1 where a strand does, shape (n_gates,).
    gate_strand
        Strand that ends at each gate, -1 where a direct line does, shape (n_gates,).
    restocking_days
        Time constant in which mines and smelters return to their normal stock. [d]
    """

    mines: Mines
    legs: Legs
    smelters: Smelters
    line_smelter: Ints
    strands: Legs
    family: Ints
    gate_line: Ints
    gate_strand: Ints
    restocking_days: float

    @property
    def n_lines(self) -> int:
        """Number of lines."""
        return len(self.line_smelter)

    @property
    def n_families(self) -> int:
        """Number of families of gates."""
        return int(self.family[-1]) + 1 if len(self.family) else 0

    def planned_on_legs(self) -> Floats:
        """Flow of an undisturbed day on each leg, shape (n_legs,) [t/d]."""
        return self.legs.share * self.mines.planned[self.legs.origin]

    def planned_on_strands(self) -> Floats:
        """Flow of an undisturbed day on each strand, shape (n_strands,) [t/d]."""
        lines = np.zeros(self.n_lines)
        lines[: len(self.legs.origin)] = self.planned_on_legs()
        made = np.zeros(self.n_lines)
        smelted = self.line_smelter >= 0
        made[smelted] = lines[smelted] * self.smelters.metal_yield[self.line_smelter[smelted]]
        return self.strands.share * made[self.strands.origin]

    def planned_at_families(self) -> Floats:
        """Metal of an undisturbed day from each family of gates, shape (n_families,) [t/d]."""
        legs, strands = self.planned_on_legs(), self.planned_on_strands()
        direct = self.gate_line >= 0
        at_gate = np.empty(len(self.family))
        at_gate[direct] = legs[self.gate_line[direct]]
        at_gate[~direct] = strands[self.gate_strand[~direct]]
        return np.bincount(self.family, at_gate, minlength=self.n_families).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Weather:
    """What stands in the way of metal, as shares left open; None where nothing does.

    Attributes
    ----------
    mines
        Mean availability of each mine, shape (n_steps, n_mines, n_scenarios). [1]
    legs
        Share of the planned flow that may pass, shape (n_steps, n_legs, n_scenarios). [1]
    smelters
        Mean availability of each smelter, shape (n_steps, n_smelters, n_scenarios). [1]
    strands
        Share of the planned flow that may pass, shape (n_steps, n_strands, n_scenarios). [1]
    assured
        Share of each gate's metal that everybody may take, shape (n_steps, n_gates, n_scenarios).
        [1]
    levied
        Levy on each gate's metal, a share of its price, shape (n_steps, n_gates, n_scenarios). [1]
    leaving
        Part of the normal stock of each mine that is shipped ahead of an announced closure, by
        the end of each step, shape (n_steps, n_mines). [1]
    """

    mines: Floats
    legs: Floats | None = None
    smelters: Floats | None = None
    strands: Floats | None = None
    assured: Floats | None = None
    levied: Floats | None = None
    leaving: Floats | None = None
