"""Write the table of calibrated values: ``python -m supplyrisk.data.calibrate [FILE]``."""

from __future__ import annotations

import datetime as dt
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from supplyrisk.casefile.bundled import cases, load_case
from supplyrisk.data.announcements import overrun
from supplyrisk.data.base_rates import site_rates
from supplyrisk.data.calibration import Calibration, fit_catalogue
from supplyrisk.data.history import conflict_countries, of_metals
from supplyrisk.data.lengths import ALL
from supplyrisk.data.schema import schema
from supplyrisk.data.writing import write_table
from supplyrisk.model.hazard import Peril

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from supplyrisk.hazard.fitting import LognormalFit
    from supplyrisk.hazard.rates import Rate

Row = dict[str, Any]

METALS: Final = (None, "tin", "copper", "cobalt")
"""Metals of the bundled cases; none for the panels together."""
_DIGITS: Final = 4


def calibrated_values(days: Iterable[dt.date | None] | None = None) -> pd.DataFrame:
    """Fit the bundled catalogue as of some days.

    Parameters
    ----------
    days : iterable of datetime.date or None, optional
        Days from which to look back, None for all rows; by default all rows and the start of every
        bundled case.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``calibrated``, numbers to four digits.
    """
    if days is None:
        days = [None, *sorted({load_case(name).start for name in cases()})]
    rows = [row for day in days for row in _values(fit_catalogue(as_of=day), day)]
    made = pd.DataFrame(rows)
    numbers = ["exposure_years", "value", "low", "high", "spread"]
    made[numbers] = made[numbers].map(_shortened)
    made["standing"], made["source_id"] = "derived", "disruption-catalogue"
    return schema("calibrated").check(made, what="table calibrated")


def _values(fitted: Calibration, day: dt.date | None) -> Iterator[Row]:
    parts = (_lengths, _rates_at_sites, _rates_of_countries, _mines, _severities, _others)
    for part in parts:
        for row in part(fitted):
            yield {"as_of": day, **row}


def _lengths(fitted: Calibration) -> Iterator[Row]:
    for row in fitted.durations().to_dict("records"):
        yield {
            "quantity": "length",
            "peril": None if row["peril"] == ALL else row["peril"],
            "unit": "d",
            "n": row["n_stops"],
            "n_censored": row["n_censored"],
            "value": row["median_days"],
            "low": row["median_low"],
            "high": row["median_high"],
            "spread": row["predictive_sigma"],
        }


def _rates_at_sites(fitted: Calibration) -> Iterator[Row]:
    for metal in METALS:
        rates = site_rates(fitted.past, metal)
        seen = {"commodity": metal, "exposure_years": rates.site_years}
        yield {**seen, "n": rates.n_stops, **_rate(rates.total)}
        for peril, rate in rates.by_peril.items():
            yield {**seen, "peril": peril, "n": rates.counts[peril], **_rate(rate)}


def _rates_of_countries(fitted: Calibration) -> Iterator[Row]:
    past = fitted.past
    exposed = past.watched[past.watched["country"].isin(conflict_countries())]
    exports = past.watched[past.watched["kind"] == Peril.EXPORT_RESTRICTION]
    for country in ("COD", "MMR"):
        rate = fitted.rate_for(Peril.ARMED_CONFLICT, country=country)
        yield {
            "peril": str(Peril.ARMED_CONFLICT),
            "country": country,
            "n": int((exposed["kind"] == Peril.ARMED_CONFLICT).sum()),
            "exposure_years": rate.exposure_years,
            **_rate(rate),
        }
    for metal in METALS[1:]:
        for country in sorted({*exports["country"], "COD"}):
            rate = fitted.rate_for(Peril.EXPORT_RESTRICTION, metal, country)
            yield {
                "peril": str(Peril.EXPORT_RESTRICTION),
                "commodity": metal,
                "country": country,
                "n": int((of_metals(exports, [str(metal)])["country"] == country).sum()),
                "exposure_years": past.years,
                **_rate(rate),
            }


def _rate(rate: Rate) -> Row:
    low, high = rate.interval(0.9)
    return {
        "quantity": "rate",
        "unit": "1/a",
        "value": rate.mean,
        "low": low,
        "high": high,
        "spread": rate.rate_shape,
    }


def _mines(fitted: Calibration) -> Iterator[Row]:
    places = fitted.past.places.set_index("place_id")["commodity"]
    for site_id, years in sorted(fitted.mines.years.items()):
        yield {
            **_rate(fitted.relative_rate(site_id)),
            "quantity": "relative rate",
            "unit": "1",
            "site_id": site_id,
            "commodity": places[site_id],
            "n": fitted.mines.stops[site_id],
            "exposure_years": years,
        }


def _severities(fitted: Calibration) -> Iterator[Row]:
    for row in fitted.severities.to_dict("records"):
        if row["peril"] in {str(peril) for peril in Peril} | {ALL}:
            yield {
                "quantity": "full share",
                "peril": None if row["peril"] == ALL else row["peril"],
                "unit": "1",
                "n": row["n_stops"],
                "value": row["full_share"],
                "low": row["full_low"],
                "high": row["full_high"],
            }
    stated = fitted.past.stops["severity"].dropna()
    partial = stated[stated < 1.0]
    yield {"quantity": "partial severity", "unit": "1", "n": len(partial), "value": partial.mean()}


def _others(fitted: Calibration) -> Iterator[Row]:
    if fitted.ramps is not None:
        yield {"quantity": "ramp-up", "unit": "d", **_fit(fitted.ramps)}
    yield {"quantity": "overrun", "unit": "1", **_fit(overrun(fitted.as_of))}


def _fit(fit: LognormalFit) -> Row:
    low, high = fit.interval(0.9)
    return {
        "n": fit.n_stops,
        "n_censored": fit.n_censored,
        "value": fit.median_days,
        "low": low,
        "high": high,
        "spread": fit.predictive.sigma,
    }


def _shortened(number: float) -> float:
    return float(f"{number:.{_DIGITS}g}")


def main(arguments: list[str]) -> None:
    """Write the table, by default to its place in the package.

    Parameters
    ----------
    arguments : list of str
        File to write, or none.
    """
    own = Path(str(files("supplyrisk.data") / "tables" / "calibrated.csv"))
    path = Path(arguments[0]) if arguments else own
    made = calibrated_values()
    write_table(made, path, "calibrated")
    sys.stdout.write(f"{len(made)} values written to {path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
