"""The sections about metal between mines and buyers, and about insurance."""

import html
import re
import runpy
from dataclasses import replace
from pathlib import Path

import pytest

import supplyrisk as sr
from supplyrisk import report
from supplyrisk.report import _words as words

CASE = runpy.run_path(str(Path(__file__).parents[1] / "chained_case.py"))["CASE"]
ATTACK = "<script>alert(1)</script> & $2"


@pytest.fixture(scope="module")
def outlook():
    return sr.simulate(CASE, 200, rng=7, keep="events")


@pytest.fixture(scope="module")
def source(outlook):
    return report.page(outlook)


def section(source, key):
    """Return a section as text, a space between its parts."""
    (found,) = re.findall(rf'<section aria-labelledby="{key}">(.*?)</section>', source, re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", found)).split())


def keys(source):
    return re.findall(r'<section aria-labelledby="([^"]*)">', source)


def tables(text, headed):
    """Return the cells of the table whose header begins so, row by row."""
    for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
        rows = [
            [
                " ".join(html.unescape(re.sub(r"<[^>]*>", "", cell)).split())
                for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
            ]
            for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
        ]
        if rows[0][: len(headed)] == headed:
            return rows[1:]
    raise AssertionError(headed)


# The way of the metal ----------------------------------------------------------------------


def test_the_section_comes_before_the_price_and_policies_after_the_buyers(source):
    found = keys(source)
    assert found[found.index("how-much") :][:5] == [
        "how-much",
        "stocks",
        "price",
        "buyers",
        "policies",
    ]


def test_routes_smelters_and_stocks_are_named_as_people_know_them(source):
    assert tables(source, ["From", "To"]) == [
        ["North mine", "The works", "20", "100 %"],
        ["South mine", "The works", "10", "75 %"],
        ["The works", "market of tin", "30", "100 %"],
    ]
    assert tables(source, ["Smelter"]) == [["The works", "Malaysia", "9,125", "12,000", "20"]]
    stocks = {row[0]: row[1:3] for row in tables(source, ["Where", "Stock [t]"])}
    assert stocks["under way"] == ["1,025", "34"]
    assert stocks["at the exchange"] == ["500", "10"]
    assert "Metal takes 3 routes and passes 1 smelter" in section(source, "stocks")


def test_a_standby_route_is_called_so():
    spare = sr.Route(route_id="spare", from_id="works", to_id="cans", transit_days=25.0, share=0.0)
    case = replace(CASE, routes=(*CASE.routes, spare))
    rows = tables(report.page(sr.simulate(case, 20, rng=7)), ["From", "To"])
    assert rows[-1] == ["The works", "Cans", "25", "standby"]


def test_the_balance_by_quarter_and_of_all_metal_are_those_of_the_outlook(outlook, source):
    quarters = outlook.market_balance()
    rows = tables(source, ["Quarter"])
    assert [row[0] for row in rows] == [str(quarter) for quarter in quarters.index]
    assert [row[3] for row in rows] == [words.tonnes(t) for t in quarters["balance_t"]]
    said = section(source, "stocks")
    row = outlook.conservation().loc["tin"]
    assert f"{row['opening_t']:,.0f} in stock at first + {row['mined_t']:,.0f} mined" in said


def test_a_picture_for_every_buyer_who_may_be_short(outlook, source):
    short = outlook.exposures["probability_short"]
    assert short["cans"] > 0.0
    assert 'id="picture-shortage-cans"' in source
    row = outlook.buyer_steps("cans")["probability_short"]
    assert f"in {words.percent(row.max())} of them" in html.unescape(source)
    calm = report.page(sr.simulate(replace(CASE, hazards=(), events=()), 20, rng=7))
    assert "picture-shortage" not in calm


def test_metal_of_a_case_without_routes_is_said_to_be_in_stock_only():
    bare = replace(CASE, smelters=(), routes=(), exposures=CASE.exposures[1:])
    text = section(report.page(sr.simulate(bare, 20, rng=7)), "stocks")
    assert "Ways that the metal takes" not in text
    assert "Smelters" not in text
    assert "with the rest of the market" in text


# Policies ----------------------------------------------------------------------------------


def test_what_policies_pay_is_what_the_outlook_says(outlook, source):
    paid = outlook.policies()
    rows = tables(source, ["Policy", "Insured"])
    assert [row[0] for row in rows] == [
        "Interruption of North",
        "Suppliers of Solder",
        "All policies",
    ]
    for row, (_, figures) in zip(rows, paid.iterrows(), strict=True):
        assert row[2].startswith(f"{figures['expected_usd'] / 1e6:.3g} [")
        assert row[3].replace("\u202f", " ") == words.percent(
            figures["probability_of_payment"]
        ).replace("\u202f", " ")
    # A limit of 4 million and a premium of half a million; the other has neither.
    assert (rows[0][4], rows[0][6]) == ("4", "0.5")
    assert (rows[1][4], rows[1][6], rows[1][7]) == (words.NOTHING,) * 3
    assert "not paid for: North mine." in section(source, "policies")


@pytest.mark.parametrize(("curve", "title"), [("aep", "in all (AEP)"), ("oep", "one event (OEP)")])
def test_payments_by_return_period_are_told_for_a_year(curve, title, outlook, source):
    assert title in section(source, "policies")
    paid, found = outlook.policies(), []
    for table in re.findall(r"<table>.*?</table>", source, re.DOTALL):
        if title in table:
            found = tables(table, ["Policy", "1 in 10 years"])
    for row, (_, figures) in zip(found, paid.iterrows(), strict=True):
        for cell, years in zip(row[1:], (10, 20, 100, 250), strict=True):
            value = float(cell.split(" [")[0])
            assert value == pytest.approx(figures[f"{curve}_1_in_{years}_usd"] / 1e6, rel=5e-3)


def test_a_horizon_of_no_year_has_no_return_periods():
    case = replace(CASE, horizon_days=180, policies=CASE.policies[:1])
    text = section(report.page(sr.simulate(case, 20, rng=7, keep="events")), "policies")
    assert "AEP" not in text
    assert "Payments that are expected" in text


def test_without_policies_or_kept_events_nothing_is_said_of_insurance(outlook):
    assert "policies" not in keys(report.page(sr.simulate(CASE, 20, rng=7)))
    bare = sr.simulate(replace(CASE, policies=()), 20, rng=7, keep="events")
    assert "policies" not in keys(report.page(bare))


def test_a_policy_that_does_not_fit_is_refused_with_its_name():
    long = sr.simulate(replace(CASE, horizon_days=730), 5, rng=7, keep="events")
    with pytest.raises(sr.InvalidInputError, match=r"policies\.far\.annual_limit_usd"):
        report.page(long)


# Texts -------------------------------------------------------------------------------------


def test_names_of_smelters_buyers_and_policies_stay_texts():
    attacked = CASE.with_values(
        {
            "smelters.works.name": f"Works {ATTACK}",
            "policies.own.name": f"Own {ATTACK}",
            "exposures.cans.name": f"Cans {ATTACK}",
        }
    )
    source = report.page(sr.simulate(attacked, 20, rng=7, keep="events"))
    assert "<script" not in source
    shown = html.unescape(re.sub(r"<[^>]*>", "", source))
    for name in ("Works", "Own", "Cans"):
        assert f"{name} {ATTACK}" in shown
