"""The table of calibrated values: what is in it, that it can be made again, and who writes it."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import supplyrisk as sr
from supplyrisk.data import fit_catalogue
from supplyrisk.data.announcements import overrun
from supplyrisk.data.base_rates import site_rates
from supplyrisk.data.calibrate import calibrated_values, main
from supplyrisk.data.schema import schema
from supplyrisk.data.tables import table, table_names

WALIKALE = dt.date(2025, 3, 20)
DAYS = [None, WALIKALE]
KEYS = ["quantity", "peril", "commodity", "country", "site_id"]
NUMBERS = ["exposure_years", "value", "low", "high", "spread"]

bundled = pytest.mark.skipif(
    "calibrated" not in table_names(), reason="the table is written when the catalogue is done"
)


@pytest.fixture(scope="module")
def values():
    return calibrated_values(DAYS)


def of_day(values, day):
    rows = values[values["as_of"].isna() if day is None else values["as_of"] == pd.Timestamp(day)]
    return rows.astype(object).where(rows.notna(), None)


def only(rows, quantity, **terms):
    """The one row of these terms; a key that is not given is blank."""
    wanted = {"quantity": quantity, **dict.fromkeys(KEYS[1:]), **terms}
    hit = [row for row in rows.to_dict("records") if all(row[k] == wanted[k] for k in KEYS)]
    assert len(hit) == 1, wanted
    return hit[0]


def shortened(*numbers):
    return tuple(float(f"{number:.4g}") for number in numbers)


def held(row, *names):
    return tuple(row[name] for name in names)


# --- What is in it ------------------------------------------------------------------------


def test_the_table_passes_its_schema(values):
    assert_frame_equal(schema("calibrated").check(values, what="values"), values)
    assert set(values["quantity"]) == {
        "length",
        "rate",
        "relative rate",
        "full share",
        "partial severity",
        "ramp-up",
        "overrun",
    }
    assert not values.duplicated(["as_of", *KEYS]).any()
    assert (values["low"] <= values["high"]).where(values["low"].notna(), other=True).all()


@pytest.mark.parametrize("day", DAYS)
def test_lengths_are_those_of_the_calibration(values, day):
    rows, fitted = of_day(values, day), fit_catalogue(as_of=day)
    for row in fitted.durations().to_dict("records"):
        peril = None if row["peril"] == "all" else row["peril"]
        found = only(rows, "length", peril=peril)
        expected = (row["median_days"], row["median_low"], row["median_high"])
        assert held(found, "value", "low", "high") == shortened(*expected)
        assert held(found, "spread") == shortened(row["predictive_sigma"])
        assert held(found, "n", "n_censored") == held(row, "n_stops", "n_censored")


@pytest.mark.parametrize("day", DAYS)
def test_rates_are_those_of_the_calibration(values, day):
    rows, fitted = of_day(values, day), fit_catalogue(as_of=day)
    for metal in (None, "tin", "copper", "cobalt"):
        parts = []
        for peril, n in site_rates(fitted.past, metal).counts.items():
            rate = fitted.rate_for(peril, metal)
            found = only(rows, "rate", peril=peril, commodity=metal)
            assert held(found, "value", "spread") == shortened(rate.mean, rate.rate_shape)
            assert held(found, "low", "high") == shortened(*rate.interval(0.9))
            assert found["n"] == n
            parts.append(found["value"])
        total = only(rows, "rate", commodity=metal)
        assert sum(parts) == pytest.approx(total["value"], rel=1e-3)
    for metal, country in [("tin", "IDN"), ("cobalt", "COD"), ("copper", "CHN")]:
        rate = fitted.rate_for("export_restriction", metal, country)
        found = only(rows, "rate", peril="export_restriction", commodity=metal, country=country)
        assert held(found, "value", "spread") == shortened(rate.mean, rate.rate_shape)
    indonesia = only(rows, "rate", peril="export_restriction", commodity="tin", country="IDN")
    assert indonesia["n"] == 5
    war = only(rows, "rate", peril="armed_conflict", country="COD")
    assert war["n"] == 2  # Mykolaiv and Bisie
    assert war["spread"] == 2.5


@pytest.mark.parametrize("day", DAYS)
def test_mines_severities_and_ramp_ups_are_those_of_the_calibration(values, day):
    rows, fitted = of_day(values, day), fit_catalogue(as_of=day)
    for site_id, metal in [("grasberg", "copper"), ("bisie", "tin"), ("tenke", "copper")]:
        factor = fitted.relative_rate(site_id)
        found = only(rows, "relative rate", site_id=site_id, commodity=metal)
        assert held(found, "value", "spread") == shortened(factor.mean, factor.rate_shape)
        assert found["n"] == fitted.mines.stops[site_id]
    assert (rows["quantity"] == "relative rate").sum() == len(fitted.mines.stops)
    for peril in ("strike", "accident"):
        (share, _), (_, part) = fitted.severity_for(peril)
        assert held(only(rows, "full share", peril=peril), "value") == shortened(share)
        assert held(only(rows, "partial severity"), "value") == shortened(part)
    ramp = only(rows, "ramp-up")
    assert held(ramp, "value", "spread") == shortened(
        fitted.ramp_up.ramp_days, fitted.ramp_up.ramp_sigma
    )
    found, fit = only(rows, "overrun"), overrun(day)
    assert held(found, "value", "low", "high") == shortened(fit.median_days, *fit.interval(0.9))
    assert held(found, "n", "n_censored") == (fit.n_stops, fit.n_censored)


# --- That it can be made again ------------------------------------------------------------


def test_twice_the_same_file(values, tmp_path):
    for name in ("one.csv", "two.csv"):
        sr.data.write_table(calibrated_values(DAYS), tmp_path / name, "calibrated")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    read = sr.data.read_table(tmp_path / "one.csv", "calibrated")
    assert_frame_equal(read, values)


@bundled
def test_the_bundled_table_is_that_of_the_bundled_catalogue():
    made, written = calibrated_values(), table("calibrated")
    days = {None, *(sr.load_case(name).start for name in sr.cases())}
    held_days = {None if pd.isna(day) else day.date() for day in written["as_of"]}
    assert held_days == days
    exact = [name for name in made.columns if name not in NUMBERS]
    assert_frame_equal(made[exact], written[exact])
    for name in NUMBERS:  # another platform may round the last of four digits otherwise
        np.testing.assert_allclose(made[name], written[name], rtol=1e-3, atol=1e-12, err_msg=name)


# --- Who writes it ------------------------------------------------------------------------


def test_the_file_named_is_written(monkeypatch, tmp_path, capsys, values):
    monkeypatch.setattr("supplyrisk.data.calibrate.calibrated_values", lambda: values)
    main([str(tmp_path / "made.csv")])
    assert capsys.readouterr().out == f"{len(values)} values written to {tmp_path / 'made.csv'}\n"
    assert_frame_equal(sr.data.read_table(tmp_path / "made.csv", "calibrated"), values)


def test_without_a_name_the_table_of_the_package_is_written(monkeypatch, values):
    asked = []
    monkeypatch.setattr("supplyrisk.data.calibrate.calibrated_values", lambda: values)
    monkeypatch.setattr("supplyrisk.data.calibrate.write_table", lambda *terms: asked.append(terms))
    main([])
    ((frame, path, name),) = asked
    assert frame is values
    assert name == "calibrated"
    assert path == Path(sr.__file__).parent / "data" / "tables" / "calibrated.csv"


@pytest.mark.verification
def test_the_module_is_a_command(tmp_path):
    path = tmp_path / "made.csv"
    done = subprocess.run(
        [sys.executable, "-m", "supplyrisk.data.calibrate", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    frame = sr.data.read_table(path, "calibrated")
    assert done.stdout == f"{len(frame)} values written to {path}\n"
    assert frame["as_of"].nunique() == len({sr.load_case(name).start for name in sr.cases()})
