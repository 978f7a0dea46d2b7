"""Words and tables about routes, smelters, stocks, buyers' terms and policies."""

import runpy
from dataclasses import replace
from pathlib import Path

import pytest

import supplyrisk as sr
from supplyrisk.model.stocks import undisturbed_stocks

CHAINED = runpy.run_path(str(Path(__file__).with_name("chained_case.py")))
CASE = CHAINED["CASE"]
STOCKS = "Stocks while nothing is disrupted"
TERMS = "Terms of the buyers"


@pytest.fixture(scope="module")
def explained():
    return sr.explain(CASE)


def of_tin(**values):
    """Return what is said of the case with other values in its market."""
    return sr.explain(CASE.with_values({f"markets.tin.{k}": v for k, v in values.items()}))


# The way of the metal ----------------------------------------------------------------------


def test_routes_and_smelters_are_counted_and_listed(explained):
    assert (
        "Metal takes 3 routes and passes 1 smelter; what a shut mine does not send is missed only "
        "at their end." in explained.sentences
    )
    routes = explained.tables["Routes"].set_index("route")
    assert routes.loc["rail", ["from", "to", "transit_d", "share"]].tolist() == [
        "south",
        "works",
        10.0,
        0.75,
    ]
    (works,) = explained.tables["Smelters"].to_dict("records")
    assert works["planned_feed_tpa"] == pytest.approx(3_650.0 + 0.75 * 7_300.0)
    assert (works["capacity_tpa"], works["feed_d"]) == (12_000.0, 20.0)


def test_metal_without_a_route_is_said_to_be_at_the_market_at_once(explained):
    said = "No route is named for 1,825 of 10,950 t/a"  # a quarter of South
    assert any(sentence.startswith(said) for sentence in explained.sentences)
    whole = sr.explain(CASE.with_values({"routes.rail.share": 1.0}))
    assert "No route is named" not in whole.text


def test_a_case_without_a_chain_says_nothing_of_one(explained):
    losses = sr.explain(sr.Case(name="x", start=CASE.start, sites=CASE.sites[1:]))
    for title in ("Routes", "Smelters", STOCKS, TERMS, "Policies"):
        assert title in explained.tables
        assert title not in losses.tables
    for word in ("route", "smelter", "stock", "Use of", "buyer", "polic"):
        assert word in explained.text
        assert word not in losses.text


def test_use_is_said_to_follow_the_supply_and_not_the_stated_demand(explained):
    assert (
        "Use of tin follows the supply that is expected, 18,250 t/a by plan, or stocks would drain "
        "for no reason; the stated demand of 18,000 t/a moves nothing." in explained.sentences
    )


@pytest.mark.parametrize(
    ("looks_ahead", "counts_stocks", "said"),
    [
        (True, True, "to be missing, and counts missing stocks and use that was not met."),
        (True, False, "does not count missing stocks and use that was not met (counts_stocks"),
        (False, True, "not met, and does not look ahead (looks_ahead is off)"),
        (False, False, "answers no disruption (looks_ahead and counts_stocks are off)"),
    ],
)
def test_what_moves_the_price_is_said(looks_ahead, counts_stocks, said):
    text = of_tin(looks_ahead=looks_ahead, counts_stocks=counts_stocks).text
    assert said in text
    assert text.count("The price of tin ") == 1


# Stocks ------------------------------------------------------------------------------------


def test_the_table_of_stocks_holds_every_stage_and_says_which_are_defaults(explained):
    table = explained.tables[STOCKS].set_index("stage")
    held = undisturbed_stocks(CASE, CASE.market())
    assert table["stock_t"].tolist() == [stock.stock_t for stock in held.values()]
    assert table["lasts_d"].tolist() == [stock.days for stock in held.values()]
    assert table.loc["at the mines", "assumed"] == "without a citation: 1, library's default: 1"
    assert table.loc["under way", "assumed"] == "without a citation"
    left = sr.explain(replace(CASE, markets=(CHAINED["market"](consumer_stock_days=28.0),)))
    rest = left.tables[STOCKS].set_index("stage").loc["with the rest of the market"]
    assert (rest["lasts_d"], rest["assumed"]) == (28.0, "library's default")
    total = sum(stock.stock_t for stock in held.values())
    assert f"Undisturbed, {total:,.0f} t of tin are in stock or under way" in explained.text


def test_a_citation_gives_a_stock_its_standing_the_nearest_one_first():
    source = sr.Source(source_id="s", publisher="P", title="T", licence="L")
    cited = [
        ("smelters.works", "estimate"),
        ("smelters.works.feed_days", "reported"),
        ("markets.tin.stock_t", "assumption"),
        ("sites.south", "reported"),
    ]
    citations = tuple(
        sr.Citation(path=path, source_id="s", standing=standing) for path, standing in cited
    )
    case = replace(CASE, sources=(source,), citations=citations)
    table = sr.explain(case).tables[STOCKS].set_index("stage")["assumed"]
    assert table["feed of the smelters"] == "reported"
    assert table["at the exchange"] == "assumption"
    # That South is cited as a whole says nothing of the stock that the library gave it.
    assert table["at the mines"] == "without a citation: 1, library's default: 1"
    whole = sr.explain(replace(case, citations=citations[:1])).tables[STOCKS]
    assert whole.set_index("stage").loc["feed of the smelters", "assumed"] == "estimate"


def test_stocks_of_several_metals_are_told_apart():
    zinc = CHAINED["site"]("zinc-mine", 365.0, commodity="zinc")
    both = replace(
        CASE,
        sites=(*CASE.sites, zinc),
        markets=(*CASE.markets, CHAINED["market"](commodity="zinc", supply_tpa=730.0)),
    )
    table = sr.explain(both).tables[STOCKS]
    assert table["commodity"].unique().tolist() == ["tin", "zinc"]
    # Zinc has neither routes, smelters nor buyers of its own.
    assert table.loc[table["commodity"] == "zinc", "stage"].tolist() == [
        "at the mines",
        "at the exchange",
        "with the rest of the market",
    ]
    text = sr.explain(both).text
    assert "Use of zinc follows" in text
    assert "No route is named for 1,825 of 10,950 t/a of tin" in text


# Buyers and policies -----------------------------------------------------------------------


def test_the_terms_of_every_buyer_are_listed(explained):
    table = explained.tables[TERMS].set_index("buyer")
    assert table.loc["cans"].drop("demand_tpa").to_dict() == {
        "sources": "80 % works",
        "stock_d": 0.0,
        "price": "mean of 30 d + 200 USD/t",
        "hedged": "40 % for 180 d",
        "alternatives": "up to 50 %, time constant 90 d",
        "needs_assurance": False,
    }
    assert table.loc["solder", ["price", "hedged", "alternatives"]].tolist() == [
        "spot",
        "no",
        "up to 100 %, at once",
    ]


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (sr.PriceTerms.spot(premium_usd_per_t=-50.0), "spot - 50 USD/t"),
        (
            sr.PriceTerms.spot(floor_usd_per_t=20_000.0, cap_usd_per_t=40_000.0),
            "spot, at least 20,000 USD/t, at most 40,000 USD/t",
        ),
        (sr.PriceTerms.indexed(averaging_days=60.0, lag_days=15.0), "mean of 60 d, 15 d before"),
        (
            sr.PriceTerms.fixed(price_usd_per_t=28_000.0, currency="EUR", usd_per_unit=1.1),
            "fixed at 28,000 EUR/t",
        ),
    ],
)
def test_price_terms_are_said_in_a_few_words(terms, said):
    case = CASE.with_values({"exposures.solder.price_terms": terms})
    assert sr.explain(case).tables[TERMS].set_index("buyer").loc["solder", "price"] == said


def test_a_buyer_without_sources_or_alternatives_is_said_to_be():
    case = CASE.with_values(
        {"exposures.solder.sources": (), "exposures.solder.alternative_limit": 0.0}
    )
    case = case.without("policies.far")
    row = sr.explain(case).tables[TERMS].set_index("buyer").loc["solder"]
    assert (row["sources"], row["alternatives"]) == ("the market at large", "none")


def test_policies_are_listed_with_what_they_exclude(explained):
    assert any(
        sentence.startswith("2 policies pay for interruptions that begin within the horizon")
        for sentence in explained.sentences
    )
    table = explained.tables["Policies"].set_index("policy")
    assert table.loc["own", ["insured", "waiting", "limit_usd", "annual_limit_usd"]].tolist() == [
        "north",
        "10 d",
        "4,000,000",
        "none",
    ]
    assert table.loc["far", ["suppliers", "perils", "waiting"]].tolist() == [
        "south",
        "strike",
        "2 daily values",
    ]
    one = sr.explain(CASE.without("policies.far"))
    assert "1 policy pays for interruptions" in one.text


def test_a_quote_of_the_day_before_is_a_day_old(explained):
    assert "1 day before the start." in explained.text


# The balance of metal ----------------------------------------------------------------------


def test_an_outlook_says_the_balance_of_metal_and_it_adds_up():
    outlook = sr.simulate(CASE, 50, rng=7)
    row = outlook.conservation().loc["tin"]
    (said,) = [s for s in sr.explain(outlook).sentences if s.startswith("Balance of tin")]
    for entry, sign in (("mined", "+"), ("other", "+"), ("slag", "-"), ("used", "-")):
        assert (
            f"{sign} {row[f'{entry}_t']:,.0f}" in said or f"{sign} {row[f'{entry}_t']:.4g}" in said
        )
    assert "bought" not in said  # nobody may
    assert said.endswith(f"any future is {row['residual_t']:.1g} t.")
    losses = sr.simulate(sr.Case(name="x", start=CASE.start, sites=CASE.sites), 50, rng=7)
    assert "Balance" not in sr.explain(losses).text


def test_by_occurrence_nothing_is_said_of_metal_on_its_way():
    bare = replace(CASE, smelters=(), routes=(), exposures=(), policies=(), events=())
    outlook = sr.simulate(bare, 50, rng=7, basis="occurrence")
    assert "Balance" not in sr.explain(outlook).text
