"""From the gates of the market to the buyers: contracts, the open market, stocks, use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk.flow.rationing import Rationing, delivered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from supplyrisk.flow.network import Network, Weather

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Buyers:
    """Who uses refined metal; every field of shape (n_buyers,) but `contracts`.

    The last one is the rest of the market: its use is what the others leave, and answers the price.

    Attributes
    ----------
    use
        Use; of the rest of the market it is given by step instead. [t/d]
    inventory_days
        Normal stock, in days of use. [d]
    restocking_days
        Time constant in which they return to it. [d]
    tier
        Rank when metal is rationed, 1 first.
    needs_assurance
        Whether they may not take metal whose assurance is lost.
    alternative_limit
        Share of use that may come from other than the sources agreed, once qualified. [1]
    qualification_days
        Time constant in which other sources are qualified. [d]
    contracts
        Metal agreed from each family of gates, shape (n_buyers, n_families). [t/d]
    """

    use: Floats
    inventory_days: Floats
    restocking_days: Floats
    tier: NDArray[np.intp]
    needs_assurance: NDArray[np.bool_]
    alternative_limit: Floats
    qualification_days: Floats
    contracts: Floats


@dataclass(slots=True)
class Bought:
    """What buyers got in a step, shape (n_buyers, n_scenarios) each.

    Attributes
    ----------
    agreed
        Metal delivered under contract. [t]
    open
        Metal from the open market. [t]
    short
        Use not met. [t]
    levied
        Metal delivered under contract times the levy on it; None without any. [t]
    """

    agreed: Floats
    open: Floats
    short: Floats
    levied: Floats | None


class Downstream:
    """State of the exchange and the buyers, moved on step by step.

    `drawn` is the most that each buyer's stock has been below normal so far. [t]

    Parameters
    ----------
    network : Network
        What the chain is made of.
    buyers : Buyers
        Who uses its metal.
    exchange_t : float
        Stock of the exchange at first. [t]
    step_days : float
        Length of a step. [d]
    n : int
        Number of scenarios.
    """

    def __init__(
        self, network: Network, buyers: Buyers, exchange_t: float, step_days: float, n: int
    ) -> None:
        self._buyers, self._dt = buyers, step_days
        self._families = np.flatnonzero(np.diff(network.family, prepend=-1))
        self._one_each = len(self._families) == len(network.family)
        planned = network.planned_at_families()[:, np.newaxis] * step_days
        self._planned = np.maximum(planned, 1e-300)
        self._contracts = buyers.contracts * step_days
        self._agreed = self._contracts.sum(axis=1)[:, np.newaxis]
        use = (buyers.use * step_days)[:, np.newaxis]
        self._usual = 1.0 - self._agreed / np.maximum(use, 1e-300)
        self._needs = buyers.needs_assurance[:, np.newaxis]
        self._rationing = Rationing(buyers.tier, buyers.needs_assurance)
        self._back = -np.expm1(-step_days / buyers.restocking_days)[:, np.newaxis]
        self._lags = bool((buyers.qualification_days > 0.0).any())
        lag = np.maximum(buyers.qualification_days, 1e-9)
        self._grow = -np.expm1(-step_days / lag)[:, np.newaxis]
        self._limit = buyers.alternative_limit[:, np.newaxis]
        self._bound = self._lags or bool((buyers.alternative_limit < 1.0).any())
        self._alternative = np.where(self._grow < 1.0, 0.0, self._limit) + np.zeros(n)
        self._normal = (buyers.inventory_days * buyers.use)[:, np.newaxis]
        self.stock = self._normal + np.zeros(n)
        self.drawn = np.zeros((len(buyers.use), n))
        self.clean, self.tainted = np.full(n, exchange_t, dtype=float), np.zeros(n)

    def step(
        self, gates: Floats, weather: Weather, t: int, other_t: Floats | float, rest_t: Floats
    ) -> Bought:
        """Move on by one step.

        Parameters
        ----------
        gates : ndarray, shape (n_gates, n)
            Metal that arrives. [t]
        weather : Weather
            What is doubted or levied of it.
        t : int
            Number of the step.
        other_t : float or ndarray, shape (n,)
            Metal from elsewhere, recycling included. [t]
        rest_t : ndarray, shape (n,)
            Use of the rest of the market. [t]

        Returns
        -------
        Bought
            What each buyer got, and what he lacks.
        """
        arrived = self._by_family(gates)
        ratio = np.minimum(arrived / self._planned, 1.0)
        assured = self._mean(gates, arrived, weather.assured, t)
        agreed = self._under_contract(ratio, assured)
        levied = self._levied(gates, arrived, weather, t)
        if assured is None:
            self.clean += arrived.sum(axis=0) + other_t - agreed.sum(axis=0)
        else:
            self._pool(arrived, assured, ratio, agreed)
            self.clean += other_t
        np.maximum(self.clean, 0.0, out=self.clean)  # contracts for all of it may round up
        use = (self._buyers.use * self._dt)[:, np.newaxis] + np.zeros(gates.shape[1])
        use[-1] = rest_t
        orders = use + self._back * np.maximum(self._normal - self.stock, 0.0)
        wanted = self._open_orders(orders, agreed)
        received = self._share(np.minimum(wanted, np.maximum(use - agreed, 0.0)), wanted)
        self.stock += agreed
        self.stock += received
        used = np.minimum(use, self.stock)
        self.stock -= used
        np.maximum(self.drawn, self._normal - self.stock, out=self.drawn)
        return Bought(agreed, received, use - used, levied)

    def _share(self, for_use: Floats, wanted: Floats) -> Floats:
        """Share out the open market: nobody fills a stock before everybody has what he uses [t]."""
        got = self._rationing.share(self.clean, self.tainted, for_use)
        received = got.received_t
        refill = wanted - for_use
        if refill.any():
            got = self._rationing.share(got.clean_left_t, got.tainted_left_t, refill)
            received = received + got.received_t
        self.clean, self.tainted = got.clean_left_t, got.tainted_left_t
        return received

    def total(self) -> Floats:
        """Metal at the exchange and with buyers, shape (n,) [t]."""
        return np.asarray(self.clean + self.tainted + self.stock.sum(axis=0))

    def _by_family(self, gates: Floats) -> Floats:
        return gates if self._one_each else np.add.reduceat(gates, self._families, axis=0)

    def _mean(self, gates: Floats, arrived: Floats, shares: Floats | None, t: int) -> Floats | None:
        """Mean of a share of the gates' metal, by family of gates; None where there is none [1]."""
        if shares is None:
            return None
        return self._by_family(gates * shares[t]) / np.maximum(arrived, 1e-300)

    def _under_contract(self, ratio: Floats, assured: Floats | None) -> Floats:
        """Metal that contracts deliver; of doubted metal nothing to those who need assurance."""
        agreed = delivered(self._contracts, ratio)
        if assured is None:
            return agreed
        return np.where(self._needs, delivered(self._contracts, ratio * assured), agreed)

    def _levied(self, gates: Floats, arrived: Floats, weather: Weather, t: int) -> Floats | None:
        """Metal under contract times the levy on it; for those who need it, assured metal alone."""
        levy = self._mean(gates, arrived, weather.levied, t)
        if levy is None or weather.levied is None:
            return None
        ratio = np.minimum(arrived / self._planned, 1.0)
        levied = delivered(self._contracts, ratio * levy)
        # Which gates of a family are levied and which are doubted may go together.
        assured = self._mean(gates * weather.levied[t], arrived, weather.assured, t)
        if assured is None:
            return levied
        return np.where(self._needs, delivered(self._contracts, ratio * assured), levied)

    def _pool(self, arrived: Floats, assured: Floats, ratio: Floats, agreed: Floats) -> None:
        """Put what contracts leave into the pools of assured and of doubted metal."""
        clean = arrived * assured
        taken = delivered(self._contracts, ratio * assured).sum(axis=0)
        self.clean += clean.sum(axis=0) - taken
        self.tainted += (arrived - clean).sum(axis=0) - (agreed.sum(axis=0) - taken)
        np.maximum(self.tainted, 0.0, out=self.tainted)

    def _open_orders(self, orders: Floats, agreed: Floats) -> Floats:
        """Return what buyers seek on the open market: no more than they have qualified [t].

        They qualify other sources while those agreed deliver less, not for a rounding error.
        """
        wanted = np.maximum(orders - agreed, 0.0)
        if not self._bound:
            return wanted
        if self._lags:
            short = agreed < (1.0 - 1e-9) * self._agreed
            gap = np.where(short, self._limit - self._alternative, 0.0)
            self._alternative += self._grow * gap
        return np.asarray(np.minimum(wanted, (self._usual + self._alternative) * orders))
