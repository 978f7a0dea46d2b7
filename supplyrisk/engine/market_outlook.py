"""What simulated futures say of prices, metal and buyers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from supplyrisk import _validation as check
from supplyrisk.engine.book import open_book
from supplyrisk.engine.contributions import GROUPS
from supplyrisk.engine.trade import make_trades
from supplyrisk.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from supplyrisk.engine.book import Book
    from supplyrisk.engine.plan import Plan
    from supplyrisk.engine.results import BlockResult
    from supplyrisk.engine.trade import Trade
    from supplyrisk.model.case import Case
    from supplyrisk.model.provenance import Provenance

    Floats = NDArray[np.float64]


class MarketOutlook:
    """The part of an `Outlook` that its markets make."""

    case: Case
    provenance: Provenance
    result: BlockResult
    plan: Plan

    def price_usd_per_t(self, commodity: str | None = None) -> Floats:
        """Price at the end of each step in the kept scenarios.

        Parameters
        ----------
        commodity : str, optional
            One with a market; the case's own by default.

        Returns
        -------
        ndarray, shape (n_kept, n_steps)
            Price paths. [USD/t]

        Raises
        ------
        ValueError
            If the case has no market for that commodity.
        """
        return self.result.markets[self._market(commodity)].price_usd_per_t

    def peak_price_usd_per_t(self, commodity: str | None = None) -> Floats:
        """Highest price at the end of a step.

        Parameters
        ----------
        commodity : str, optional
            One with a market; the case's own by default.

        Returns
        -------
        ndarray, shape (n_scenarios,)
            Highest price of each scenario. [USD/t]

        Raises
        ------
        ValueError
            If the case has no market for that commodity.
        """
        return self.result.markets[self._market(commodity)].peak_price_usd_per_t

    @cached_property
    def exposures(self) -> pd.DataFrame:
        """Results by buyer, indexed by buyer_id.

        Returns
        -------
        pandas.DataFrame
            Columns ``expected_...`` are means over all futures, ``tail_...`` means over the worst
            5 %, each with its 90 % interval in columns that end in ``_ci_low`` and ``_ci_high``;
            probability_short has one too; first_short_days is the median of the day on which
            demand is first not met, of the futures in which it ever is; expected_short_days the
            mean of the days of demand not met, expected_stopped_days that of output lost (of a
            product of several metals only while this one is the scarcest), stock_drawn_95_days
            what the own stock falls below normal once in twenty futures, and time_to_survive_days
            stock over the share of the largest source, as if nothing could replace it [d]. Costs
            are against the path on the same noise without the disruptions that became known after
            the price date (what was shut before is in the price: its return is a gain), or
            ``against_budget``: the price before.
        """
        self._need_calendar("the results of buyers")
        from supplyrisk.engine import tables

        return tables.exposures_table(self.plan, self.result)

    def buyer_steps(self, buyer_id: str) -> pd.DataFrame:
        """Mean results of a buyer by step, indexed by the last day of each step.

        Parameters
        ----------
        buyer_id : str
            The buyer.

        Returns
        -------
        pandas.DataFrame
            Columns received_t and shortage_t [t in the step], cost_usd and lost_margin_usd [USD in
            the step], and probability_short [1], all but the first with their 90 % intervals.

        Raises
        ------
        ValueError
            If no buyer of that id was simulated.
        """
        self._need_calendar("the results of buyers")
        from supplyrisk.engine import tables

        faults = tuple(check.choice("buyer_id", buyer_id, list(self.result.buyers)))
        if faults:
            raise InvalidInputError("buyer_steps", faults)
        return tables.buyer_steps_table(self.plan, self.result, buyer_id)

    def drivers(self, buyer_id: str, by: str = "site") -> pd.DataFrame:
        """Which sites, countries, perils or threats are behind a buyer's worst futures.

        Parameters
        ----------
        buyer_id : str
            The buyer.
        by : str, default "site"
            One of site, country, peril and threat.

        Returns
        -------
        pandas.DataFrame
            Indexed by part, largest first: tail_usd, the part of his extra cost and lost margin in
            the worst 5 % of futures, with its 90 % interval in tail_ci_low and tail_ci_high [USD],
            and tail_share [1]. The parts sum to the tail mean.

        Raises
        ------
        ValueError
            If no buyer of that id was simulated, or `by` is none of the four.

        Notes
        -----
        In each future the extra cost is shared among what was lost of the metal, tonne by tonne, as
        the price does not ask whose metal is missing; the lost margin among what his own sources
        lost, or among all where they lost nothing. What was known on the price date is in the price
        and does not count.
        """
        self._need_calendar("the results of buyers")
        from supplyrisk.engine.drivers import drivers_table

        faults = (
            *check.choice("buyer_id", buyer_id, list(self.result.buyers)),
            *check.choice("by", by, GROUPS),
        )
        if faults:
            raise InvalidInputError("drivers", faults)
        buyer = next(b for b in self.case.exposures if b.buyer_id == buyer_id)
        trade, lost = self._trades[buyer.commodity], self.result.buyers[buyer_id]
        return drivers_table(trade, self._book, buyer, lost, by)

    def survival(self, buyer_id: str) -> pd.DataFrame:
        """Time to survive against time to recover: how often does the stock end first.

        Parameters
        ----------
        buyer_id : str
            The buyer.

        Returns
        -------
        pandas.DataFrame
            A row per source that he names, and one for any of them: share of his use [1];
            time_to_survive_days, his stock over that share (of the last row, the largest), as if
            nothing replaced it; probability_struck, of an outage within the horizon; median and 95
            % quantile of the time_to_recover_days of its outages, from their start or from now on
            [d]; and probability_longer, of an outage that outlasts the stock, with its 90 %
            interval [1].

        Raises
        ------
        ValueError
            If no buyer of that id was simulated.

        Notes
        -----
        Time to survive (TTS) and time to recover (TTR) as defined by Simchi-Levi and others [1]_.
        An outage that takes the part p of his use for d days outlasts a stock of s days where ``d p
        > s``, summed over the sites that it hits, for the last row those of all his sources. What
        closes the way from there counts as what stops a mine. Outages are compared one by one,
        without ramp-ups and without other metal.

        References
        ----------
        .. [1] D. Simchi-Levi, W. Schmidt and Y. Wei, "From superstorms to factory fires," Harvard
           Bus. Rev., vol. 92, no. 1-2, pp. 96-101, 2014.
        """
        self._need_calendar("the results of buyers")
        from supplyrisk.engine.survival import survival_table

        faults = tuple(check.choice("buyer_id", buyer_id, list(self.result.buyers)))
        if faults:
            raise InvalidInputError("survival", faults)
        buyer = next(b for b in self.case.exposures if b.buyer_id == buyer_id)
        n = len(self.result.lost_t)
        return survival_table(self._trades[buyer.commodity], self._book, buyer, n)

    @cached_property
    def _trades(self) -> dict[str, Trade]:
        return make_trades(self.case, self.provenance.seed, main=self.plan)

    @cached_property
    def _book(self) -> Book:
        return open_book(self.plan, self.provenance.seed)

    @cached_property
    def products(self) -> pd.DataFrame:
        """Results by product that needs several metals, indexed by product.

        Returns
        -------
        pandas.DataFrame
            Columns inputs, ids of its buyers; expected_lost_margin_usd and tail_lost_margin_usd
            [USD] and probability_stopped [1] with their 90 % intervals; expected_stopped_days [d];
            binds_most, the input that costs most days. In each step the scarcest input binds.
        """
        self._need_calendar("the results of buyers")
        from supplyrisk.engine import tables

        return tables.products_table(self.plan, self.result)

    def conservation(self) -> pd.DataFrame:
        """Balance of metal from the mines to the buyers, by commodity.

        Returns
        -------
        pandas.DataFrame
            Means over the scenarios of opening_t (all stocks, metal under way included), mined_t,
            bought_t (feed that smelters found elsewhere), other_t (other metal, scrap included),
            slag_t (lost in smelting), used_t and closing_t, with ``closing = opening + mined +
            bought + other - slag - used``, and residual_t, the largest gap in any step of any
            scenario. [t]
        """
        self._need_calendar("the balance of metal")
        from supplyrisk.engine import tables

        return tables.conservation_table(self.result, list(self.result.markets))

    def market_balance(self, commodity: str | None = None) -> pd.DataFrame:
        """Surplus or deficit of refined metal by quarter, as trading desks read it.

        Parameters
        ----------
        commodity : str, optional
            One with a market; the case's own by default.

        Returns
        -------
        pandas.DataFrame
            Means over the scenarios of supply_t, use_t and balance_t, their difference [t], and
            the days of the horizon in each quarter [d]. Below 0 is a deficit. Steps count in the
            quarter in which they end.

        Raises
        ------
        ValueError
            If the case has no market for that commodity.
        """
        self._need_calendar("the balance of the market")
        from supplyrisk.engine import tables

        own = self._market(commodity)
        return tables.market_balance_table(self.plan, self.result, own)

    def _market(self, commodity: str | None) -> str:
        self._need_calendar("prices")
        wanted = str(self.case.commodity) if commodity is None else commodity
        if wanted not in self.result.markets:
            have = ", ".join(self.result.markets) or "the case has none"
            raise ValueError(
                f"commodity must have a market that is simulated ({have}), got {wanted!r}"
            )
        return wanted

    def _need_calendar(self, what: str) -> None:
        if self.provenance.basis != "calendar":
            raise ValueError(f"basis must be 'calendar' in simulate for {what}, got 'occurrence'")
