"""The simulated futures of a case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from supplyrisk import _html
from supplyrisk import _validation as check
from supplyrisk.engine import production
from supplyrisk.engine.book import open_book
from supplyrisk.engine.contributions import GROUPS, TAIL_LEVEL
from supplyrisk.engine.market_outlook import MarketOutlook
from supplyrisk.engine.tails import tail_parts
from supplyrisk.errors import InvalidInputError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from supplyrisk.engine.compound import ExactLosses
    from supplyrisk.engine.event_store import EventTable
    from supplyrisk.engine.plan import Plan
    from supplyrisk.engine.prices import MarketView
    from supplyrisk.engine.results import BlockResult
    from supplyrisk.engine.tails import TailParts
    from supplyrisk.model.case import Case
    from supplyrisk.model.provenance import Provenance

    Floats = NDArray[np.float64]

ENOUGH_IN_THE_TAIL: Final = 300
"""Futures in the tail from which on its figures may be quoted."""


@dataclass(frozen=True, eq=False, repr=False)
class Outlook(MarketOutlook):
    """The simulated futures of a case; made by `supplyrisk.simulate`.

    Attributes
    ----------
    case
        The case.
    provenance
        What it was made from: versions, digest of the case, seed, block size.
    event_table
        Event loss table by block; none if it was not kept.
    result
        Raw arrays behind the other tables.
    plan
        The case as arrays.
    market_view
        What the last quote says of the market's own view; none without a market.
    """

    case: Case
    provenance: Provenance
    event_table: EventTable | None
    result: BlockResult
    plan: Plan
    market_view: MarketView | None

    @property
    def n_scenarios(self) -> int:
        """Number of simulated futures."""
        return len(self.result.lost_t)

    @property
    def has_events(self) -> bool:
        """Whether the event loss table was kept."""
        return self.event_table is not None

    @property
    def cautions(self) -> tuple[str, ...]:
        """What to know before a figure is quoted: too few futures in the tail; often nothing."""
        in_tail = int(self.n_scenarios * (1.0 - TAIL_LEVEL) + 1e-9)
        if in_tail >= ENOUGH_IN_THE_TAIL:
            return ()
        caution = (
            f"Only {in_tail} futures are in the worst 5 %: simulate more before quoting a figure "
            f"from there (at least {ENOUGH_IN_THE_TAIL} in the tail)."
        )
        return (caution,)

    @property
    def lost_t(self) -> Floats:
        """Lost production of the case's commodity, shape (n_scenarios,) [t]."""
        return self.result.lost_t

    @property
    def largest_loss_t(self) -> Floats:
        """Stand-alone loss of the largest event, all sites it hit, shape (n_scenarios,) [t]."""
        return self.result.largest_loss_t

    @cached_property
    def sites(self) -> pd.DataFrame:
        """Results by site, indexed by site_id.

        Returns
        -------
        pandas.DataFrame
            Columns name, country, latitude_deg, longitude_deg, production_tpa [t/a],
            expected_lost_t with its 90 % interval ci_low and ci_high [t], expected_lost_share [1],
            availability [1], and tail_contribution_t with tail_ci_low and tail_ci_high [t]: the
            part of the tail value at risk at 95 %.
        """
        from supplyrisk.engine import tables

        return tables.sites_table(self.plan, self.result, self._tail)

    @cached_property
    def steps(self) -> pd.DataFrame:
        """Mean and quantiles by step, indexed by the last day of each step.

        Returns
        -------
        pandas.DataFrame
            Columns are pairs of quantity (``supply_t`` that is mined and, with a market,
            ``refined_t`` that reaches it [t in the step]; ``price_usd_per_t`` [USD/t], and stocks
            ``upstream_t`` before the market, ``exchange_t`` and ``buyers_t`` [t] at the end of
            the step) and statistic (mean, q05, q25, q50, q75, q95); from the first
            20,000 scenarios at most, whose number stands in ``attrs["n_scenarios"]``.
        """
        self._need_calendar("series by step")
        from supplyrisk.engine import tables

        return tables.steps_table(self.plan, self.result)

    def summary(self) -> pd.DataFrame:
        """Headline numbers with their 90 % confidence intervals.

        Returns
        -------
        pandas.DataFrame
            Columns metric, value, ci_low, ci_high, unit. For ``implied_closure_days`` the interval
            spans the elasticity prior instead of the sampling error. ``attrs["cautions"]`` holds
            `cautions`.
        """
        from supplyrisk.engine import tables

        table = tables.summary_table(self.plan, self.result, self.market_view)
        table.attrs["cautions"] = self.cautions
        return table

    def contributions(self, by: str = "site") -> pd.DataFrame:
        """Parts of the expected loss and of the tail mean.

        Parameters
        ----------
        by : {"site", "country", "peril", "threat"}
            What to split by; a threat is a hazard or a dated event.

        Returns
        -------
        pandas.DataFrame
            Columns expected_t and tail_t, which sum to the expected loss and to the tail value at
            risk at 95 %, each with its 90 % interval in expected_ci_low to tail_ci_high [t], and
            their shares [1]; largest tail part first.

        Raises
        ------
        ValueError
            If `by` is none of these.

        Notes
        -----
        Where outages of a site overlap, the loss goes to the one that started first. Parts of the
        tail are found in a second pass over the futures in it, when first asked for.
        """
        from supplyrisk.engine import tables

        faults = tuple(check.choice("by", by, GROUPS))
        if faults:
            raise InvalidInputError("contributions", faults)
        return tables.contributions_table(self.plan, self.result, self._tail, by)

    def exact(self) -> ExactLosses:
        """Distribution of a year's loss on the occurrence basis, without simulation error.

        Returns
        -------
        ExactLosses
            As `supplyrisk.exact_losses` gives it for the outlook's case.

        Raises
        ------
        ValueError
            If the case is no compound sum; every reason is named.
        """
        from supplyrisk.engine.compound import exact_losses

        return exact_losses(self.case)

    def events(self) -> pd.DataFrame:
        """Event loss table.

        Returns
        -------
        pandas.DataFrame
            A row per simulated event and site: scenario, threat, kind, number, peril, site_id,
            start_days, outage_days, ramp_days [d], severity [1], alone_t and lost_t [t]. Rows with
            the same scenario, threat and number are one event.

        Raises
        ------
        ValueError
            If the outlook was not simulated with ``keep="events"``.
        """
        table = self._need_events()
        from supplyrisk.engine import tables

        return tables.events_table(self.plan, replace(self.result, rows=table.rows()))

    def policies(self) -> pd.DataFrame:
        """What the policies of the case pay: the insurer's view.

        Returns
        -------
        pandas.DataFrame
            A row for each policy and one for the portfolio, as `engine.policies.policy_table` says:
            expected payment, probability of a payment, AEP and OEP, rate on line.
            ``attrs["excluded"]`` lists events that were known losses before the case began.

        Raises
        ------
        ValueError
            If the outlook was not simulated with ``keep="events"``, or a policy does not fit the
            case.

        Notes
        -----
        A policy pays for interruptions that begin within the horizon, each as if it came alone.
        """
        table = self._need_events()
        from supplyrisk.engine import policies

        return policies.policy_table(self.plan, table, self.n_scenarios)

    def event_files(self) -> tuple[Path, ...]:
        """Parquet files of an event loss table that is too large to load, in order of scenarios.

        Returns
        -------
        tuple of pathlib.Path
            None if the table is in memory. Without a checkpoint the files go with the outlook.
            Each holds a block, with the columns of `events`, then ``threat_index`` and
            ``site_index``, places in the outlook's `plan`; its metadata hold the case's digest,
            seed and basis, as JSON under ``supplyrisk``. ``pandas.read_parquet`` reads one after
            the other, ``dask.dataframe.read_parquet`` and ``pyarrow.dataset.dataset`` all of them
            as ``list(outlook.event_files())``.

        Raises
        ------
        ValueError
            If the outlook was not simulated with ``keep="events"``.
        """
        return self._need_events().files

    def production_t(self, site_id: str, dates: Sequence[dt.date], *, noise: float = 0.0) -> Floats:
        """Production of one site between dates: what a company reports by quarter.

        Parameters
        ----------
        site_id : str
            The site.
        dates : sequence of datetime.date
            Edges of the periods, ascending; before the start of the case only the plan and dated
            events count.
        noise : float, default 0.0
            Standard deviation of a period's output around the plan apart from disruptions, as a
            share; 0.05 a quarter is an assumption that serves. [1]

        Returns
        -------
        ndarray, shape (n_scenarios, n_periods)
            Production of each period. [t]

        Raises
        ------
        ValueError
            If the outlook was not simulated with ``keep="events"``, the dates are not ascending or
            reach past the horizon, or the site is unknown.
        """
        self._need_calendar("production between dates")
        table, seed = self._need_events(), self.provenance.seed
        return production.between_dates(self.plan, table, seed, site_id, dates, noise)

    @cached_property
    def _tail(self) -> dict[str, TailParts]:
        made = self.provenance
        book = open_book(self.plan, made.seed)
        return tail_parts(book, made.basis, self.lost_t, made.block_size)

    def _need_events(self) -> EventTable:
        if self.event_table is None:
            raise ValueError("keep must be 'events' in simulate for this, got 'summary'")
        return self.event_table

    def __repr__(self) -> str:
        """Say which case, how many futures, which seed."""
        return (
            f"<Outlook of {self.case.name!r}: {self.n_scenarios:,} futures of "
            f"{self.case.horizon_days} days from {self.case.start}, seed {self.provenance.seed}>"
        )

    def _repr_html_(self) -> str:
        made = self.provenance
        versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
        return (
            f"<p><b>{_html.escape(self.case.name)}</b>: {self.n_scenarios:,} futures of "
            f"{self.case.horizon_days} days from {self.case.start}</p>"
            f"{_html.table(self.summary())}"
            f"{''.join(f'<p><b>{caution}</b></p>' for caution in self.cautions)}"
            f"<p><small>seed {made.seed}, case {made.case_digest[:12]}, "
            f"{_html.escape(versions)}</small></p>"
        )
