"""How long an outage lasts: families of distributions, in days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from supplyrisk import _validation as check
from supplyrisk.errors import Fault
from supplyrisk.model._value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration(Value):
    """Length of an outage, as a distribution; made by the constructors named after the families.

    Attributes
    ----------
    max_days
        Longest outage possible; longer draws are cut to it. [d]

    Examples
    --------
    >>> Duration.lognormal(median_days=121, sigma=1.75).median_days
    121
    """

    family: ClassVar[str]
    max_days: float | None = None

    @staticmethod
    def lognormal(*, median_days: float, sigma: float, max_days: float | None = None) -> Lognormal:
        """Return a lognormal length: ``log(days)`` is normal with standard deviation `sigma`."""
        return Lognormal(median_days=median_days, sigma=sigma, max_days=max_days)

    @staticmethod
    def weibull(*, shape: float, scale_days: float, max_days: float | None = None) -> Weibull:
        """Return a Weibull length: ``P(D > d) = exp(-(d / scale_days) ** shape)``."""
        return Weibull(shape=shape, scale_days=scale_days, max_days=max_days)

    @staticmethod
    def exponential(*, mean_days: float, max_days: float | None = None) -> Exponential:
        """Return an exponential length: what remains does not depend on what has passed."""
        return Exponential(mean_days=mean_days, max_days=max_days)

    @staticmethod
    def fixed(*, days: float, max_days: float | None = None) -> Fixed:
        """Return a length that is known."""
        return Fixed(days=days, max_days=max_days)

    @staticmethod
    def empirical(*, days: tuple[float, ...], max_days: float | None = None) -> Empirical:
        """Return one of the observed lengths, each equally likely."""
        return Empirical(days=check.as_tuple(days), max_days=max_days)

    @staticmethod
    def mixture(
        parts: tuple[tuple[float, Duration], ...], *, max_days: float | None = None
    ) -> Mixture:
        """Return a mixture: ``parts`` pairs each weight with a duration; weights sum to 1."""
        pairs = check.as_tuple(parts)
        if isinstance(pairs, tuple):
            pairs = tuple(check.as_tuple(pair) for pair in pairs)
        return Mixture(parts=pairs, max_days=max_days)

    @property
    def longest_days(self) -> float:
        """Length that no outage of this kind exceeds; infinite for most families [d]."""
        cap = float("inf") if self.max_days is None else self.max_days
        return min(cap, self._longest_uncapped())

    def _longest_uncapped(self) -> float:
        return float("inf")

    def _faults(self) -> Iterator[Fault]:
        rule = f"must be one of {', '.join(FAMILIES)}, each a constructor such as Duration.fixed"
        yield Fault("family", rule, None)

    def _cap_faults(self) -> Iterator[Fault]:
        if self.max_days is not None:
            yield from check.number("max_days", self.max_days, above=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lognormal(Duration):
    """Lognormal length of an outage.

    Attributes
    ----------
    median_days
        Median length. [d]
    sigma
        Standard deviation of the logarithm of the length. [1]
    max_days
        Longest outage possible. [d]
    """

    family: ClassVar[str] = "lognormal"
    median_days: float
    sigma: float

    def _faults(self) -> Iterator[Fault]:
        yield from check.number("median_days", self.median_days, above=0.0)
        yield from check.number("sigma", self.sigma, above=0.0)
        yield from self._cap_faults()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weibull(Duration):
    """Weibull length of an outage.

    Attributes
    ----------
    shape
        Shape; below 1 the hope of an early end fades with time. [1]
    scale_days
        Scale: the length that a share ``exp(-1)`` of outages outlasts. [d]
    max_days
        Longest outage possible. [d]
    """

    family: ClassVar[str] = "weibull"
    shape: float
    scale_days: float

    def _faults(self) -> Iterator[Fault]:
        yield from check.number("shape", self.shape, above=0.0)
        yield from check.number("scale_days", self.scale_days, above=0.0)
        yield from self._cap_faults()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponential(Duration):
    """Exponential length of an outage.

    Attributes
    ----------
    mean_days
        Mean length. [d]
    max_days
        Longest outage possible. [d]
    """

    family: ClassVar[str] = "exponential"
    mean_days: float

    def _faults(self) -> Iterator[Fault]:
        yield from check.number("mean_days", self.mean_days, above=0.0)
        yield from self._cap_faults()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed(Duration):
    """Known length of an outage.

    Attributes
    ----------
    days
        The length. [d]
    max_days
        Longest outage possible. [d]
    """

    family: ClassVar[str] = "fixed"
    days: float

    def _longest_uncapped(self) -> float:
        return self.days

    def _faults(self) -> Iterator[Fault]:
        yield from check.number("days", self.days, least=0.0)
        yield from self._cap_faults()


@dataclass(frozen=True, slots=True, kw_only=True)
class Empirical(Duration):
    """Observed lengths of outages, each equally likely.

    Attributes
    ----------
    days
        Observed lengths. [d]
    max_days
        Longest outage possible. [d]
    """

    family: ClassVar[str] = "empirical"
    days: tuple[float, ...]

    def _longest_uncapped(self) -> float:
        return max(self.days)

    def _faults(self) -> Iterator[Fault]:
        if not isinstance(self.days, tuple) or not self.days:
            yield Fault("days", "must be a tuple of at least one length", self.days)
        else:
            for place, length in enumerate(self.days):
                yield from check.number(f"days[{place}]", length, least=0.0)
        yield from self._cap_faults()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture(Duration):
    """One of several kinds of outage, each with its own length.

    Attributes
    ----------
    parts
        Pairs of weight [1] and duration; the weights sum to 1.
    max_days
        Longest outage possible. [d]
    """

    family: ClassVar[str] = "mixture"
    parts: tuple[tuple[float, Duration], ...]

    def _longest_uncapped(self) -> float:
        return max(duration.longest_days for _, duration in self.parts)

    def _faults(self) -> Iterator[Fault]:
        if not isinstance(self.parts, tuple) or not self.parts:
            rule = "must be a tuple of at least one pair of weight and duration"
            yield Fault("parts", rule, self.parts)
            return
        faults = [
            fault for place, pair in enumerate(self.parts) for fault in _pair_faults(place, pair)
        ]
        yield from faults or weights_faults("parts", [weight for weight, _ in self.parts])
        yield from self._cap_faults()


def weights_faults(field: str, weights: list[float]) -> Iterator[Fault]:
    """Fault unless the weights of a mixture sum to 1."""
    total = sum(weights)
    if abs(total - 1.0) > 1e-6:  # weights typed by hand to six digits are meant to sum to 1
        yield Fault(field, "must have weights that sum to 1", total)


def _pair_faults(place: int, pair: Any) -> Iterator[Fault]:  # noqa: ANN401 - not yet known
    if not isinstance(pair, tuple) or len(pair) != 2:
        yield Fault(f"parts[{place}]", "must be a pair of weight and duration", pair)
        return
    yield from check.number(f"parts[{place}] weight", pair[0], above=0.0)
    yield from check.instance(f"parts[{place}] duration", pair[1], Duration)


FAMILIES: Final[dict[str, type[Duration]]] = {
    kind.family: kind for kind in (Lognormal, Weibull, Exponential, Fixed, Empirical, Mixture)
}
"""Each family by its name in a case file."""
