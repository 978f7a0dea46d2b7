"""Parts of the expected loss and of the tail mean by site, exactly.

For a hazard of rate r in a Poisson pool ``E[L_i; L <= v] = r E[X_i F(v - X)]``: size-biasing adds
one more event (Mecke's formula). In a pool with gamma factor of shape k the law F is that of the
transform times ``1 / (1 - psi / k)``, the factor seen from an event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from supplyrisk.engine._compound_model import CompoundModel
from supplyrisk.engine._event_laws import parts
from supplyrisk.engine._grid import exponent, site_mass, total_transform
from supplyrisk.engine._pools import Source, hit_sums, on_lattice, thinned
from supplyrisk.engine._solve import capped_moments, no_loss

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from supplyrisk.engine._compound_model import Strike
    from supplyrisk.engine._curve import Curve
    from supplyrisk.engine._event_laws import EventLaw
    from supplyrisk.engine._grid import CappedSite, Grid
    from supplyrisk.engine._pools import Joint, Pool
    from supplyrisk.engine._solve import Solution
    from supplyrisk.engine.plan import Plan

    Floats = NDArray[np.float64]
    Complexes = NDArray[np.complex128]

_CELLS: Final = 2**14
"""Cells in which the loss of one event is integrated."""
_STRIDE: Final = 0.1
"""Stride of the points at which a smooth law is evaluated, of the scale on which it bends. [1]"""

_AN_ATOM: Final = 1e-7
"""Probability beyond the level at which the quantile bears an atom. [1]"""


class Rule(NamedTuple):
    """``E[X F(v - X); X <= v]`` as a rule over limited means of an event's loss X.

    With ``K(x) = x F(v - x)`` taken as linear between points it is the sum of limited means times
    the falls of K's slope, less ``K(v) P(X > v)``: exact in X, and off by the squared width of a
    cell times K's curvature alone.

    Attributes
    ----------
    curve
        The law F of all other losses.
    value
        The threshold v. [t]
    points, weights
        Points in (0, v] and the falls of the slope there, shape (n_cells,).
    end
        ``K(v)``. [t]
    """

    curve: Curve
    value: float
    points: Floats
    weights: Floats
    end: float

    @classmethod
    def make(cls, curve: Curve, value: float) -> Rule:
        """Return the rule for a law and a threshold."""
        points = np.linspace(0.0, value, _CELLS + 1)
        k = points * curve.probability(value - points)
        slope = np.diff(k) / np.diff(points)
        return cls(curve, value, points[1:], -np.diff(slope, append=0.0), float(k[-1]))

    def on(self, law: EventLaw | None) -> tuple[Floats, Floats]:
        """Return points and weights that suit a law."""
        if law is None or law.smoothness == 0.0:
            return self.points, self.weights
        return on_lattice(self.points, self.weights, min(law.smoothness, 1.0) * _STRIDE)

    def total(self, source: Source, points: Floats, weights: Floats) -> float:
        """Return the sum of ``rate E[X F(v - X); X <= v]`` over the scales of a law [t/a]."""
        law, scale, rate = source
        if law is None:
            left = self.value - scale
            share = self.curve.probability(np.maximum(left, 0.0))
            slack = -1e-9 * self.value
            return float(rate @ np.where(left >= slack, scale * share, 0.0))
        out = 0.0
        for s, r in zip(scale.tolist(), rate.tolist(), strict=True):
            limited = s * law.limited_mean(points / s)
            alive = law.survival(np.array([self.value / s]))
            out += r * float(weights @ limited - self.end * alive[0])
        return out


@dataclass(frozen=True, eq=False)
class SiteParts:
    """Parts of a compound sum by site.

    Attributes
    ----------
    plan
        The case as arrays.
    model
        The sum, tabulated.
    solution
        Its law.
    strikes
        The hazards.
    """

    plan: Plan
    model: CompoundModel
    solution: Solution
    strikes: tuple[Strike, ...]

    @property
    def _free(self) -> tuple[Strike, ...]:
        """Hazards of sites without an annual cap."""
        return tuple(s for s in self.strikes if s.sites[0].annual_cap_days is None)

    def expected(self) -> Floats:
        """Return ``E[L_i]``, shape (n_sites,) [t/a]."""
        out = np.zeros(len(self.plan.sites))
        for strike in self._free:
            laws = parts(strike.hazard.duration, strike.hazard.ramp_up)
            days = sum(p.weight * p.scale * (1.0 if p.law is None else p.law.mean) for p in laws)
            rate = strike.threat.rate_pa * strike.hazard.hit_probability
            daily = self.plan.production_t_per_day[strike.threat.sites]
            out[strike.threat.sites] += rate * strike.threat.severity * days * daily
        for site in self.model.capped:
            out[self._place(site.site_id)] += capped_moments(site, self.solution.lattice.grid)[0]
        return out

    def tail(self, level: float) -> Floats:
        """Return the parts of the mean of the worst ``1 - level``, shape (n_sites,) [t/a]."""
        curve = self.solution.curve
        value = curve.quantile(level)
        expected = self.expected()
        if value == 0.0:
            return expected / (1.0 - level)
        lower = self.lower(value)
        over = float(curve.probability(np.array(value))) - level
        if over > _AN_ATOM:  # years that lose exactly the quantile count in part
            just_below = value - 0.5 * curve.step
            mass = over + level - float(curve.probability(np.array(just_below)))
            lower = lower - (over / mass) * (lower - self.lower(just_below))
        return (expected - lower) / (1.0 - level)

    def lower(self, value: float) -> Floats:
        """Return ``E[L_i; L <= v]`` at a threshold above 0, shape (n_sites,) [t/a]."""
        out = np.zeros(len(self.plan.sites))
        for site in self.model.capped:
            out[self._place(site.site_id)] += self._capped(site, value)
        rules: dict[object, Rule] = {}
        points: dict[object, tuple[Floats, Floats]] = {}
        for strike in self._free:
            factor = strike.factor
            pool = next(pool for pool in self.model.pools if pool.factor == factor)
            if len(strike.sites) > 1 and not strike.hazard.shared_duration:
                self._independent(strike, pool, value, out)
                continue
            if factor not in rules:
                rules[factor] = Rule.make(self._seen_from(pool), value)
            rule = rules[factor]
            for number, source in _by_site(self.plan, strike):
                if (factor, source.law) not in points:
                    points[factor, source.law] = rule.on(source.law)
                out[number] += rule.total(source, *points[factor, source.law])
        return out

    def _place(self, site_id: str) -> int:
        return [site.site_id for site in self.plan.sites].index(site_id)

    def _capped(self, site: CappedSite, value: float) -> float:
        others = tuple(other for other in self.model.capped if other is not site)

        def transform(grid: Grid) -> Complexes:
            return total_transform(self.model.pools, others, grid)

        nothing = no_loss(self.model) / no_loss(CompoundModel(site.pools, ()))
        curve, _ = self.solution.lattice.curves(transform, nothing)
        grid = self.solution.lattice.grid
        mass, loss = site_mass(site, grid), grid.points
        within = loss <= value * (1.0 + 1e-9)
        left = np.maximum(value - loss[within], 0.0)
        return float((mass[within] * loss[within]) @ curve.probability(left))

    def _independent(self, strike: Strike, pool: Pool, value: float, out: Floats) -> None:
        for joint in pool.joints:
            if joint.name != strike.hazard.hazard_id:
                continue
            for number, (site, own) in enumerate(zip(strike.sites, joint.sites, strict=True)):
                rest = joint._replace(sites=joint.sites[:number] + joint.sites[number + 1 :])
                rule = Rule.make(self._seen_from(pool, rest), value)
                lower = sum(rule.total(s, *rule.on(s.law)) for s in own.sources)
                out[self._place(site.site_id)] += joint.rate * joint.hit * lower

    def _seen_from(self, pool: Pool, rest: Joint | None = None) -> Curve:
        """Return the law of all other losses, seen from an event of a pool."""

        def transform(grid: Grid) -> Complexes:
            total = total_transform(self.model.pools, self.model.capped, grid)
            if pool.shape is not None:
                total /= 1.0 - exponent(pool, grid) / pool.shape
            for site in rest.sites if rest is not None else ():
                total *= 1.0 + rest.hit * exponent(site, grid)  # type: ignore[union-attr]
            return total

        nothing = no_loss(self.model)
        if pool.shape is not None:
            nothing /= 1.0 + pool.rate / pool.shape
        if rest is not None:
            nothing *= (1.0 - rest.hit) ** len(rest.sites)
        return self.solution.lattice.curves(transform, nothing)[0]


def _by_site(plan: Plan, strike: Strike) -> Iterator[tuple[int, Source]]:
    """Yield each site and the scales of the events that hit it, weighted by its share of them."""
    threat, hit = strike.threat, strike.hazard.hit_probability
    daily = plan.production_t_per_day[threat.sites]
    laws = tuple(parts(strike.hazard.duration, strike.hazard.ramp_up))
    for index in np.flatnonzero(daily > 0.0):
        total, chance = np.array([daily.sum()]), np.ones(1)
        if hit < 1.0:
            total, chance = hit_sums(np.delete(daily, index), hit)
            total = np.append(total, 0.0) + daily[index]
            chance = np.append(chance, (1.0 - hit) ** (np.count_nonzero(daily) - 1))
        share = hit * chance * daily[index] / total
        for part in laws:
            for weight, severity in threat.severities:
                if severity > 0.0:
                    rate = threat.rate_pa * weight * part.weight * share
                    scale = severity * part.scale * total
                    yield int(threat.sites[index]), thinned(Source(part.law, scale, rate))
