"""Losing parts in turn: each row against a stress test of its own, and against shares by hand."""

import dataclasses
import runpy
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from supplyrisk.analysis import contingencies
from supplyrisk.analysis.contingencies import n_minus
from supplyrisk.engine.stress import stress
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.chain import Route
from supplyrisk.model.hazard import Scope

CASES = runpy.run_path(str(Path(__file__).parents[1] / "engine" / "stress_cases.py"))
buyer, case, chain_case, event, market, site = (
    CASES[name] for name in ("buyer", "case", "chain_case", "event", "market", "site")
)
SCOPES = {"site": Scope.site, "smelter": Scope.smelter, "route": Scope.route}


def country(code):
    """Return what losing a country is in `chain_case`: a mine, or in Malaysia the smelter."""
    return Scope.smelter("s") if code == "MYS" else Scope.country(code)


def alone(looked, kind, ids, days):
    """Return the stress test of a row, by events of its own."""
    scope = {**SCOPES, "country": country}[kind]
    return stress(looked, [event(scope(name), days, f"x-{name}") for name in ids])


@pytest.mark.parametrize(("k", "n_rows"), [(1, 8), (2, 5)])
@pytest.mark.parametrize("days", [None, 45.0])
def test_every_row_is_a_stress_test(k, n_rows, days):
    own = event(Scope.site("b"), days=60, event_id="own", after=-20)
    looked = chain_case(own)
    table = n_minus(looked, k, days=days)
    assert len(table) == n_rows
    for row in table.to_dict("records"):
        test = alone(looked, row["kind"], row["ids"].split(" + "), days or 200.0)
        for name in ("share_of_supply", "lost_t", "missing_t"):
            assert row[name] == pytest.approx(getattr(test, name), abs=1e-9), (row["ids"], name)
        for name in ("price_ratio_low", "price_ratio", "price_ratio_high"):
            assert row[name] == pytest.approx(getattr(test, name), rel=1e-12), (row["ids"], name)
        weeks = test.buyers["weeks_until_short"]
        for buyer_id, value in weeks.items():
            assert row[f"weeks_until_short_{buyer_id}"] == value
        assert row["weeks_until_short"] == weeks.min()
        if np.isfinite(weeks.min()):
            assert weeks[row["first_short"]] == weeks.min()


def test_shares_and_tonnes_by_hand():
    table = n_minus(chain_case()).set_index(["kind", "ids"])
    shares = table["share_of_supply"].to_dict()
    assert shares == pytest.approx(
        {
            ("country", "PER"): 2 / 3,
            ("site", "b"): 2 / 3,
            ("country", "COD"): 1 / 3,
            ("country", "MYS"): 1 / 3,
            ("site", "a"): 1 / 3,
            ("smelter", "s"): 1 / 3,
            ("route", "in"): 1 / 3,
            ("route", "out"): 1 / 3,
        }
    )
    assert table["lost_t"].to_dict() == pytest.approx(
        dict.fromkeys(shares, 0.0)
        | {("country", "PER"): 400.0, ("site", "b"): 400.0}
        | {("country", "COD"): 200.0, ("site", "a"): 200.0}
    )
    assert table["share_of_supply"].is_monotonic_decreasing


def test_two_losses_are_never_better_than_one():
    looked = case(
        sites=(site(), site("b", 2.0), site("c", 3.0), site("d", utilisation=0.0)),
        exposures=(buyer(sources=(("a", 0.5), ("b", 0.5)), inventory_days=20.0),),
    )
    one = n_minus(looked).set_index("ids")
    two = n_minus(looked, 2).set_index("ids")
    for first, second in combinations("abcd", 2):
        both, parts = two.loc[f"{first} + {second}"], one.loc[[first, second]]
        assert both["share_of_supply"] == pytest.approx(parts["share_of_supply"].sum())
        assert both["lost_t"] == pytest.approx(parts["lost_t"].sum())
        assert both["price_ratio"] >= parts["price_ratio"].max() - 1e-12
        assert both["weeks_until_short"] <= parts["weeks_until_short"].min()
    nothing = one.loc["d"]
    assert nothing[["share_of_supply", "lost_t", "missing_t"]].tolist() == [0.0, 0.0, 0.0]
    assert nothing["price_ratio_high"] == 1.0


def test_the_order_of_a_case_does_not_matter():
    looked = chain_case()
    turned = dataclasses.replace(
        looked,
        sites=looked.sites[::-1],
        routes=looked.routes[::-1],
        exposures=looked.exposures[::-1],
    )
    for k in (1, 2):
        one, two = n_minus(looked, k), n_minus(turned, k)
        assert one.equals(two[one.columns])


def test_in_pieces_of_any_size_it_is_the_same(monkeypatch):
    whole = n_minus(chain_case())
    monkeypatch.setattr("supplyrisk.engine.certain._AT_A_TIME", 2)
    assert n_minus(chain_case()).equals(whole)


def test_beyond_the_most_combinations_the_largest_parts_are_kept(monkeypatch):
    monkeypatch.setattr(contingencies, "MOST_COMBINATIONS", 3)
    names = "abcde"
    looked = case(sites=tuple(site(n, k + 1.0) for k, n in enumerate(names)), markets=())
    table = n_minus(looked, 2)
    assert set(table["ids"]) == {"c + d", "c + e", "d + e"}
    assert table.attrs["left_out"] == {"site": 2, "smelter": 0, "route": 0, "country": 0}


def test_without_a_market_share_and_tonnes_remain():
    road = Route(route_id="road", from_id="a", to_id="s", transit_days=20)
    smelter = chain_case().smelters
    looked = case(markets=(), routes=(road,), smelters=smelter)
    table = n_minus(looked)
    assert list(table.columns) == ["kind", "ids", "share_of_supply", "lost_t"]
    assert set(table["kind"]) == {"site", "country"}
    assert table["lost_t"].to_numpy() == pytest.approx([400.0, 400.0, 200.0, 200.0])


def test_other_countries_are_no_country():
    table = n_minus(case(sites=(site(country="ZZZ"), site("b"))))
    assert set(table.loc[table["kind"] == "country", "ids"]) == {"COD"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0,), "k must be a whole number >= 1"),
        ((1.0,), "k must be a whole number >= 1"),
        ((True,), "k must be a whole number >= 1"),
        ((4,), "k must be at most 3"),
        ((3,), "k must be at most 2, the most parts of a kind"),
    ],
)
def test_what_k_cannot_be(arguments, message):
    with pytest.raises(InvalidInputError, match=message):
        n_minus(case(), *arguments)


@pytest.mark.parametrize("days", [0.0, -5, float("nan"), float("inf")])
def test_what_days_cannot_be(days):
    with pytest.raises(InvalidInputError, match="days must be a finite number > 0"):
        n_minus(case(), days=days)


def test_what_is_no_case_is_refused():
    with pytest.raises(TypeError, match="case must be of the class Case"):
        n_minus("walikale-2025")


def test_an_event_of_the_case_is_no_part_whatever_its_name():
    named = event(Scope.site("b"), event_id="site-a", after=-5)
    table = n_minus(case(named)).set_index(["kind", "ids"])
    assert table.loc[("site", "a"), "share_of_supply"] == pytest.approx(1.0 / 3.0)
