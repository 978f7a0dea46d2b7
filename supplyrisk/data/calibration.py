"""Rates, lengths, severities and ramp-ups fitted to the catalogue of disruptions, as of a day."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from supplyrisk import _validation as check
from supplyrisk.data import base_rates
from supplyrisk.data.history import COUNTRY_PERILS, History, history
from supplyrisk.data.lengths import pooled_lengths, table_of_lengths
from supplyrisk.data.schema import schema
from supplyrisk.data.severities import fit_ramps, ramp_up, share_hit, table_of_severities
from supplyrisk.data.tables import table
from supplyrisk.errors import Fault, InvalidInputError
from supplyrisk.model.hazard import Peril
from supplyrisk.model.site import country_faults

if TYPE_CHECKING:
    import pandas as pd

    from supplyrisk.data.base_rates import Records
    from supplyrisk.hazard.fitting import LognormalFit
    from supplyrisk.hazard.pooling import GroupFits
    from supplyrisk.hazard.rates import Rate
    from supplyrisk.model.duration import Lognormal
    from supplyrisk.model.hazard import RampUp


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """What the history of disruptions says of rates, lengths, severities and ramp-ups.

    Attributes
    ----------
    past
        The stops it rests on, as of its day.
    lengths
        Lognormal lengths by peril, fitted together. [d]
    mines
        How mines differ in their rate, and the record of each.
    severities
        Share of stops that hit a whole site, by peril, as a table. [1]
    ramps
        Lognormal ramp-up; None where too few are known. [d]
    """

    past: History
    lengths: GroupFits
    mines: Records
    severities: pd.DataFrame
    ramps: LognormalFit | None

    @property
    def as_of(self) -> dt.date | None:
        """Day from which it looks back; None for all that is known."""
        return self.past.as_of

    def duration_for(self, peril: str) -> Lognormal:
        """Length of a stop by peril, predictive [d].

        Parameters
        ----------
        peril : str
            Cause class, e.g. ``"strike"``.

        Returns
        -------
        Lognormal
            ``sigma`` holds the uncertainty of the median.

        Raises
        ------
        InvalidInputError
            If there is no such peril.
        """
        _require_peril(peril)
        return self.lengths.fit_for(str(peril)).predictive

    def durations(self) -> pd.DataFrame:
        """Lengths of stops by peril, see `durations_by_peril`."""
        return table_of_lengths(self.past.stops, self.lengths)

    def rate_for(
        self,
        peril: str,
        commodity: str | None = None,
        country: str | None = None,
        site_id: str | None = None,
    ) -> Rate:
        """Frequency of stops of at least 7 days by peril, see `rate_for` [1/a].

        Parameters
        ----------
        peril : str
            Cause class.
        commodity : str, optional
            Metal; by default any, over the panels together.
        country : str, optional
            Alpha-3 code, for perils of countries and armed conflict.
        site_id : str, optional
            Mine or smelter of the tables whose own record counts.

        Returns
        -------
        Rate
            Posterior of the rate of one site, or of the country for a peril of countries.

        Raises
        ------
        InvalidInputError
            If there is no such peril or commodity, or `country` is needed and not given or no code.
        """
        _require_peril(peril)
        faults: list[Fault] = []
        if commodity is not None:
            known = table("commodities")["commodity"].tolist()
            faults += check.choice("commodity", commodity, known)
        if country is not None and peril != Peril.ARMED_CONFLICT:
            faults += country_faults("country", country, other=True)
        if faults:
            raise InvalidInputError("rate_for", faults)
        if peril == Peril.ARMED_CONFLICT:
            return base_rates.conflict_rate(self.past, country, site_id)
        if peril in COUNTRY_PERILS:
            return base_rates.country_rate(self.past, peril, commodity, country)
        rate = base_rates.site_rates(self.past, commodity).by_peril[str(peril)]
        return rate if site_id is None else base_rates.product(rate, self.relative_rate(site_id))

    def relative_rate(self, site_id: str) -> Rate:
        """Rate of one mine relative to a typical one of its metal, by its own record [1].

        Parameters
        ----------
        site_id : str
            Mine; one that is not in the tables has no record, and mean 1.

        Returns
        -------
        Rate
            Posterior of the ratio.
        """
        return self.mines.relative_rate(site_id)

    def severity_for(self, peril: str) -> tuple[tuple[float, float], ...]:
        """Shares of a site that stops of a peril hit, with the probability of each [1].

        Parameters
        ----------
        peril : str
            Cause class.

        Returns
        -------
        tuple of tuple of float
            Probability and severity: the whole site, and the mean of partial stops.

        Raises
        ------
        InvalidInputError
            If there is no such peril.
        """
        _require_peril(peril)
        return share_hit(self.severities, str(peril))

    @property
    def ramp_up(self) -> RampUp:
        """Ramp-up of a site."""
        return ramp_up(self.ramps)


def fit_catalogue(
    rows: pd.DataFrame | None = None,
    *,
    as_of: dt.date | None = None,
    panels: pd.DataFrame | None = None,
) -> Calibration:
    """Fit rates, lengths, severities and ramp-ups to a catalogue of disruptions.

    Parameters
    ----------
    rows : pandas.DataFrame, optional
        Rows with the columns of the table ``disruptions``, such as the bundled ones with one's own
        added to them; the bundled ones by default.
    as_of : datetime.date, optional
        Day from which to look back: rows that started before it, and those running then as lower
        bounds.
    panels : pandas.DataFrame, optional
        Years for which mines were watched, with the columns of the table ``panels``, which it is
        by default. Rows added for other mines need their years here, or rates come out too high.

    Returns
    -------
    Calibration
        The fits; `build_case` takes it.

    Raises
    ------
    TypeError
        If `rows` or `panels` is no data frame.
    InvalidInputError
        If they break a rule of their table, `as_of` is no date or before the first day of the
        panels, or too few stops had ended by then.

    Examples
    --------
    >>> import datetime as dt
    >>> then = fit_catalogue(as_of=dt.date(2025, 3, 20))
    >>> now = fit_catalogue()
    >>> len(then.past.stops) < len(now.past.stops)
    True
    """
    if rows is None and panels is None:
        return _of_bundled(as_of)
    held = table("disruptions") if rows is None else rows
    watched = table("panels") if panels is None else panels
    return _fit(
        schema("disruptions").check(held, what="rows", labels=True),
        as_of,
        schema("panels").check(watched, what="panels", labels=True),
    )


def duration_for(peril: str, as_of: dt.date | None = None) -> Lognormal:
    """Length of a stop by peril, fitted to the catalogue [d].

    Parameters
    ----------
    peril : str
        Cause class, e.g. ``"strike"``.
    as_of : datetime.date, optional
        Day from which to look back: only stops that had started before count, and those running
        then are lower bounds.

    Returns
    -------
    Lognormal
        Predictive length: ``sigma`` holds the uncertainty of the median.

    Raises
    ------
    InvalidInputError
        If there is no such peril, or too few stops had ended by then.

    Notes
    -----
    Maximum likelihood with right-censoring, left-truncated at 7 days, for all perils together: each
    is pulled to their centre by the spread between perils, estimated from the same rows
    (`hazard.fit_groups`). A peril without stops has the length of an unseen one, which may lie
    anywhere between. This was held against other ways on stops left out, see `leave_one_out`.

    Examples
    --------
    >>> strike, regulator = duration_for("strike"), duration_for("regulatory_or_licence")
    >>> strike.median_days < regulator.median_days
    True
    """
    return _of_bundled(as_of).duration_for(peril)


def durations_by_peril(as_of: dt.date | None = None) -> pd.DataFrame:
    """Lengths of stops by peril, with their uncertainty [d].

    Parameters
    ----------
    as_of : datetime.date, optional
        Day from which to look back.

    Returns
    -------
    pandas.DataFrame
        A row for each peril with stops and one for all of them as one lognormal (``"all"``): peril,
        n_stops, n_censored, median_days with the 90 % interval median_low and median_high, sigma,
        predictive_sigma, and the predictive quantiles q10_days and q90_days.
        `supplyrisk.plot.durations` draws it.

    Raises
    ------
    InvalidInputError
        If too few stops had ended by `as_of`.

    Examples
    --------
    >>> table = durations_by_peril().set_index("peril")
    >>> int(table.loc["all", "n_stops"]) >= 80
    True
    """
    return _of_bundled(as_of).durations()


def rate_for(
    peril: str,
    commodity: str | None = None,
    country: str | None = None,
    as_of: dt.date | None = None,
    *,
    site_id: str | None = None,
) -> Rate:
    r"""Frequency of stops of at least 7 days by peril, from the catalogue [1/a].

    Parameters
    ----------
    peril : str
        Cause class, e.g. ``"strike"``.
    commodity : str, optional
        Metal; by default any, over the panels together.
    country : str, optional
        Alpha-3 code. For perils of whole countries (export restrictions, sanctions) the rate is
        that of the country; for armed conflict that of a site there; for the others it changes
        nothing.
    as_of : datetime.date, optional
        Day from which to look back.
    site_id : str, optional
        Mine or smelter of the tables, whose own record then counts: not for perils of countries.

    Returns
    -------
    Rate
        Posterior of the rate of one site, or of the country for a peril of countries.

    Raises
    ------
    InvalidInputError
        If there is no such peril or commodity, or `country` is needed and not given or no code.

    Notes
    -----
    At a site: the total over all perils is pooled over the metals with a panel (tin and copper,
    `hazard.pool_rates`); other metals have the rate of a new one, which is wide, as two metals
    hardly tell how far metals differ. A peril has a share of the total with Jeffreys' Dirichlet
    posterior, from the stops of the metal or of both (`hazard.split_rate`). Mines differ: the
    record of a mine, over what a typical one of its metal would have had in the years since it
    opened, is pooled with those of all mines of the two panels.

    In a country: events pooled over the countries that produce. Armed conflict: stops over the
    years, from opening to closing, of bundled mines and smelters in countries whose political
    stability (WGI) is below -1, never over a panel of mines of which most have no war near them;
    elsewhere the rate is 0, which has no posterior, and is refused.

    As of a day the stops are those of the day. What they are divided by is of today: the countries
    that produce, the bundled places, and one release of the governance indicators.

    These are lower bounds: short, partial and technical losses are missing from the catalogue, see
    `hazard.corrected`.

    Examples
    --------
    >>> rate = rate_for("strike", "copper")
    >>> 0.01 < rate.mean < 0.04
    True
    """
    return _of_bundled(as_of).rate_for(peril, commodity, country, site_id)


@cache
def _of_bundled(as_of: dt.date | None) -> Calibration:
    return _fit(table("disruptions"), as_of, table("panels"))


def _fit(rows: pd.DataFrame, as_of: dt.date | None, panels: pd.DataFrame) -> Calibration:
    past = history(rows, as_of, panels)
    return Calibration(
        past=past,
        lengths=pooled_lengths(past.stops),
        mines=base_rates.between_mines(past),
        severities=table_of_severities(past.stops),
        ramps=fit_ramps(past.stops),
    )


def _require_peril(peril: str) -> None:
    faults = [*check.choice("peril", str(peril), [str(known) for known in Peril])]
    if faults:
        raise InvalidInputError("peril", faults)
