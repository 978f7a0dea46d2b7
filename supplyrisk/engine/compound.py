"""The exact law of a year's loss on the occurrence basis, without simulating."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from supplyrisk import _validation as check
from supplyrisk.engine import _compound_model, _solve
from supplyrisk.engine._exact_report import ExactReport, report_of
from supplyrisk.engine._grid import exponent
from supplyrisk.engine._tail_parts import SiteParts
from supplyrisk.engine.plan import make_plan
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.case import Case

if TYPE_CHECKING:
    import pandas as pd

    from supplyrisk.engine._compound_model import CompoundModel
    from supplyrisk.engine._curve import Curve
    from supplyrisk.engine._grid import Complexes, Grid
    from supplyrisk.engine._pools import Joint
    from supplyrisk.engine._solve import Solution
    from supplyrisk.engine.plan import Plan


@dataclass(frozen=True, eq=False, repr=False)
class ExactLosses:
    """The exact law of a year's loss; made by `exact_losses`.

    Attributes
    ----------
    case
        The case.
    mean
        Expected loss. [t/a]
    sd
        Standard deviation of the loss. [t/a]
    largest_level
        Highest level of quantiles that the grid holds. [1]
    report
        How it was computed, and how far it may be off.
    """

    case: Case
    mean: float
    sd: float
    largest_level: float
    report: ExactReport
    _plan: Plan
    _model: CompoundModel
    _solution: Solution | None

    @property
    def probability_of_loss(self) -> float:
        """Probability that the year loses anything [1]."""
        return 1.0 - _solve.no_loss(self._model)

    def value_at_risk(self, level: float = 0.99) -> float:
        """Return the loss that is not exceeded with probability `level`.

        Parameters
        ----------
        level : float, default 0.99
            Confidence level in [0, 1), at most `largest_level`. [1]

        Returns
        -------
        float
            ``inf{x: P(L <= x) >= level}``. [t/a]

        Raises
        ------
        ValueError
            If `level` is outside [0, 1) or above `largest_level`.
        """
        self._check(level)
        return 0.0 if self._solution is None else self._solution.curve.quantile(level)

    def tail_value_at_risk(self, level: float = 0.99) -> float:
        """Return the mean of the worst ``1 - level`` share of years.

        Parameters
        ----------
        level : float, default 0.99
            Confidence level in [0, 1), at most `largest_level`. [1]

        Returns
        -------
        float
            ``v + E[(L - v)+] / (1 - level)`` with v the value at risk. [t/a]

        Raises
        ------
        ValueError
            If `level` is outside [0, 1) or above `largest_level`.

        Notes
        -----
        ``E[(L - v)+] = E[L] - E[min(L, v)]`` with the analytic mean: no part of the tail is cut
        off, however heavy it is.
        """
        self._check(level)
        if self._solution is None:
            return 0.0
        return self._solution.curve.tail_mean(level, self.mean)

    def loss_at_return_period(self, years: float) -> float:
        """Return the annual loss that is exceeded once in some years on average (AEP).

        Parameters
        ----------
        years : float
            Return period, above 1. [a]

        Returns
        -------
        float
            The value at risk at level ``1 - 1 / years``. [t/a]

        Raises
        ------
        ValueError
            If `years` is no number above 1, or its level is above `largest_level`.
        """
        return self.value_at_risk(_level_of(years))

    def largest_loss_at_return_period(self, years: float) -> float:
        """Return the loss of a year's largest event exceeded once in some years (OEP).

        Parameters
        ----------
        years : float
            Return period, above 1. [a]

        Returns
        -------
        float
            `largest_loss_value_at_risk` at level ``1 - 1 / years``. [t]

        Raises
        ------
        ValueError
            If `years` is no number above 1, or its level is above `largest_level`.
        """
        return self.largest_loss_value_at_risk(_level_of(years))

    def largest_loss_value_at_risk(self, level: float = 0.99) -> float:
        """Return the quantile of the loss of a year's largest event, all sites it hits.

        Parameters
        ----------
        level : float, default 0.99
            Confidence level in [0, 1), at most `largest_level`. [1]

        Returns
        -------
        float
            Quantile; 0 if a year without events is as likely as `level`. [t]

        Raises
        ------
        ValueError
            If `level` is outside [0, 1) or above `largest_level`.

        Notes
        -----
        With ``R(x)`` the rate of events that lose more than x, the largest loss M has
        ``P(M <= x) = exp(-R(x))``, and ``(1 + R(x) / k) ** -k`` for hazards with a gamma factor.
        Annual caps do not bear on single events.
        """
        self._check(level)
        low, high = 0.0, max(self.mean, 1e-300)
        if self._solution is None or self._largest_below(0.0) >= level:
            return 0.0
        while self._largest_below(high) < level:
            low, high = high, 2.0 * high
        while high - low > 4e-16 * high:
            middle = 0.5 * (low + high)
            if middle in {low, high}:
                break
            if self._largest_below(middle) < level:
                low = middle
            else:
                high = middle
        return high

    def contributions(self, level: float = 0.95) -> pd.DataFrame:
        """Return the parts of the expected loss and of the tail mean by site.

        Parameters
        ----------
        level : float, default 0.95
            Confidence level of the tail in [0, 1), at most `largest_level`. [1]

        Returns
        -------
        pandas.DataFrame
            Indexed by site_id: expected_t and tail_t, which sum to the mean and to the tail value
            at risk [t/a].

        Raises
        ------
        ValueError
            If `level` is outside [0, 1) or above `largest_level`.

        Notes
        -----
        ``E[L_i | L > v]`` by Mecke's formula: for a hazard of rate r in a Poisson pool
        ``E[L_i; L <= v] = r E[X F(v - X); X <= v]``, X the loss of one event and F the law of
        the year. Years that lose exactly v count with the part that the level leaves of them.
        """
        import pandas as pd  # noqa: PLC0415 - tables bring pandas, which no quantile needs

        self._check(level)
        expected = tail = np.zeros(len(self._plan.sites))
        if self._solution is not None:
            strikes = tuple(_compound_model.strikes_of(self._plan))
            parts = SiteParts(self._plan, self._model, self._solution, strikes)
            expected, tail = parts.expected(), parts.tail(level)
        names = pd.Index([site.site_id for site in self._plan.sites], name="site_id")
        return pd.DataFrame({"expected_t": expected, "tail_t": tail}, index=names)

    def _largest_below(self, x: float) -> float:
        """Probability that no event of the year loses more than x [1]."""
        log = 0.0
        for pool in self._model.every_pool:
            rate = pool.survival(x) + sum(
                joint.rate * self._joint_survival(joint, x) for joint in pool.joints
            )
            k = pool.shape
            log -= rate if k is None else k * math.log1p(rate / k)
        return math.exp(log)

    def _joint_survival(self, joint: Joint, x: float) -> float:
        curve = self._joint_curves[id(joint)]
        return 1.0 - float(curve.probability(np.array(x)))

    @cached_property
    def _joint_curves(self) -> dict[int, Curve]:
        """Laws of the loss of events that hit several sites for independent lengths."""
        curves = {}
        for pool in self._model.every_pool:
            for joint in pool.joints:
                curves[id(joint)] = self._joint_curve(joint)
        return curves

    def _joint_curve(self, joint: Joint) -> Curve:
        def transform(grid: Grid) -> Complexes:
            total = np.ones(grid.n + 1, dtype=complex)
            for site in joint.sites:
                total *= 1.0 + joint.hit * exponent(site, grid)
            return total

        nothing = (1.0 - joint.hit) ** len(joint.sites)
        return self._solution.lattice.curves(transform, nothing)[0]  # type: ignore[union-attr]

    def _check(self, level: float) -> None:
        faults = tuple(check.number("level", level, least=0.0))
        if faults or not level < 1.0:
            raise ValueError(f"level must lie in [0, 1), got {level!r}")
        if level > self.largest_level:
            raise ValueError(
                f"level must be at most the largest_level that was asked for "
                f"({self.largest_level}), got {level!r}"
            )

    def __repr__(self) -> str:
        """Say which case and the headline figures."""
        return (
            f"<ExactLosses of {self.case.name!r}: mean {self.mean:,.6g} t, sd {self.sd:,.6g} t, "
            f"stated error {self.report.error:.0e}>"
        )


def exact_losses(
    case: Case, *, largest_level: float = 0.9999, tolerance: float = 1e-6
) -> ExactLosses:
    r"""Compute the law of a year's loss on the occurrence basis, without simulating.

    Parameters
    ----------
    case : Case
        A case of 365 days whose loss is a compound sum: hazards, no dated events.
    largest_level : float, default 0.9999
        Highest level of quantiles that will be asked for, in [0.9, 0.999999]; a higher one
        spends grid points on the far tail. [1]
    tolerance : float, default 1e-6
        Relative error of quantiles and tail means at which the grid is fine enough, in
        [1e-9, 0.01]; `ExactReport.error` says what was reached. [1]

    Returns
    -------
    ExactLosses
        Moments, quantiles, tail means, largest events, parts by site, and a report of the error.

    Raises
    ------
    TypeError
        If `case` is no Case.
    ValueError
        If a value breaks a rule, or the loss is no compound sum: a horizon other than 365 days,
        a dated event, a ramp-up that never ends, or an annual cap at a site whose hazards share
        events or a rate group with other sites.

    Notes
    -----
    An event loses :math:`X = m\,(D + \rho \min(R, sD))` days of production at the sites it hits,
    booked to the year that it starts in; overlaps add. With the rates :math:`\lambda_i` of pool
    :math:`g` and :math:`\psi_g(t) = \sum_i \lambda_i (\mathrm{E}\,e^{itX_i} - 1)` the year's loss
    has the characteristic function

    .. math:: \varphi(t) = e^{\psi_0(t)} \prod_g (1 - \psi_g(t) / k_g)^{-k_g},

    as the gamma factor of a pool, of shape :math:`k_g` and mean 1, is the same for all its hazards.
    Event losses are put on a grid so that limited means are kept at all points [1]_; the sum over
    hazards is a single measure, tabulated as Chebyshev series between its kinks. The transform is
    tilted by :math:`e^{-20 j / 2n}` against aliasing [2]_ [3]_ and its second half is padding.
    Limited means of the year from two steps are extrapolated by Richardson's rule, and the
    quantiles come from them.

    References
    ----------
    .. [1] H. U. Gerber, "On the numerical evaluation of the distribution of aggregate claims and
       its stop-loss premiums," Insur. Math. Econ., vol. 1, no. 1, pp. 13-18, 1982,
       :doi:`10.1016/0167-6687(82)90016-6`.
    .. [2] R. Grübel and R. Hermesmeier, "Computation of compound distributions I: aliasing errors
       and exponential tilting," ASTIN Bull., vol. 29, no. 2, pp. 197-214, 1999,
       :doi:`10.2143/AST.29.2.504611`.
    .. [3] P. Embrechts and M. Frei, "Panjer recursion versus FFT for compound distributions,"
       Math. Methods Oper. Res., vol. 69, no. 3, pp. 497-508, 2009,
       :doi:`10.1007/s00186-008-0249-2`.

    Examples
    --------
    >>> from supplyrisk.casefile.bundled import load_case
    >>> case = load_case("walikale-2025")
    >>> exact = exact_losses(case.without(*(f"events.{e.event_id}" for e in case.events)))
    >>> exact.mean < exact.tail_value_at_risk(0.9) < exact.tail_value_at_risk(0.99)
    True
    """
    if not isinstance(case, Case):
        raise TypeError(f"case must be a Case, got {case!r:.80}")
    faults = (
        *check.number("largest_level", largest_level, least=0.9, most=0.999999),
        *check.number("tolerance", tolerance, least=1e-9, most=0.01),
    )
    if faults:
        raise InvalidInputError("exact", faults)
    plan = make_plan(case, "occurrence")
    model = _compound_model.compound_model(plan)
    solution = _solve.solve(model, largest_level, tolerance)
    return ExactLosses(
        case=case,
        mean=0.0 if solution is None else solution.mean,
        sd=0.0 if solution is None else solution.sd,
        largest_level=largest_level,
        report=report_of(model, solution),
        _plan=plan,
        _model=model,
        _solution=solution,
    )


def _level_of(years: float) -> float:
    faults = tuple(check.number("years", years, above=1.0))
    if faults:
        raise ValueError(str(faults[0]))
    return 1.0 - 1.0 / years
