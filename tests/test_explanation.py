"""Words about a case, an outlook and what moves a rate: each number against its own source."""

import dataclasses
import datetime as dt
import math

import numpy as np
import pytest
from scipy import stats

import supplyrisk as sr
from supplyrisk.explanation import ongoing_table, uncited


@pytest.fixture(scope="module")
def case():
    return sr.load_case("walikale-2025")


def test_the_table_of_ongoing_events_against_the_lognormal_closed_form(case):
    table = ongoing_table(case).set_index("event")
    closure = next(e for e in case.events if e.event_id == "bisie-closure").duration
    whole = stats.lognorm(closure.sigma, scale=closure.median_days)
    alive = whole.sf(7)
    row = table.loc["bisie-closure"]
    assert row["elapsed_d"] == 7
    assert row["median_left_d"] == pytest.approx(whole.isf(0.5 * alive) - 7, rel=1e-9)
    assert row["q95_left_d"] == pytest.approx(whole.isf(0.05 * alive) - 7, rel=1e-9)
    assert row["over_in_30_d"] == pytest.approx(1 - whole.sf(37) / alive, rel=1e-12)
    assert table.loc["man-maw-ban", "elapsed_d"] == 597


def test_a_case_is_explained_with_its_evidence_and_what_is_left_out(case):
    text = sr.explain(case).text
    for word in ("walikale-2025", "300,000 t/a of tin", "33,427", "2025-03-14", "Gold"):
        assert word in text
    assert all(item.statement in text for item in case.evidence)


def test_figures_without_a_citation_are_counted_and_named(case):
    assert uncited(case) == []
    bare = case.with_values({"hazards.kivu-conflict.severity": 0.9})
    assert uncited(bare) == []  # its object is cited as a whole
    loose = sr.Case(name="x", start=case.start, sites=case.sites[:1])
    assert uncited(loose)[0] == f"sites.{case.sites[0].site_id}.capacity_tpa"
    assert "0 of " in sr.explain(loose).text


def test_an_outlook_says_what_the_market_implies_and_warns_of_a_thin_tail(case):
    few = sr.explain(sr.simulate(case, n_scenarios=200, rng=1))
    assert "Only 10 futures are in the worst 5 %" in few.text
    assert "read backwards" in few.text
    many = sr.explain(sr.simulate(case, n_scenarios=6000, rng=1))  # 300 in the tail
    assert "simulate more" in few.text
    assert "simulate more" not in many.text


def test_an_outlook_warns_of_a_thin_tail_wherever_it_shows_itself(case):
    few = sr.simulate(case, n_scenarios=5999, rng=1)
    (caution,) = few.cautions
    assert caution.startswith("Only 299 futures are in the worst 5 %")
    assert few.summary().attrs["cautions"] == (caution,)
    assert f"<p><b>{caution}</b></p>" in few._repr_html_()
    assert caution in sr.explain(few).sentences


def test_an_outlook_with_300_futures_in_the_tail_warns_of_nothing(case):
    enough = sr.simulate(case, n_scenarios=6000, rng=1)
    assert enough.cautions == enough.summary().attrs["cautions"] == ()
    assert "simulate more" not in enough._repr_html_()


def test_nothing_is_read_backwards_without_news(case):
    calm = sr.simulate(case.without("events.bisie-closure"), n_scenarios=200, rng=1)
    assert "read backwards" not in sr.explain(calm).text


def test_one_is_one(case):
    one = sr.Case(name="x", start=case.start, sites=case.sites[:1])
    assert "1 site in 1 country plans" in sr.explain(one).text


def test_a_price_that_is_the_last_quote_is_said_once(case):
    market = dataclasses.replace(case.market(), last_quote_usd_per_t=None, last_quote_date=None)
    text = sr.explain(dataclasses.replace(case, markets=(market,), citations=())).text
    assert "The price was 33,427 USD/t on 2025-03-12, 8 days before the start." in text
    assert "the last quote is 36,160 USD/t of 2025-03-14, 6 days" in sr.explain(case).text


def test_a_hazard_can_be_left_out_and_its_evidence_stays(case):
    calm = case.without("hazards.kivu-conflict")
    assert len(calm.evidence) == len(case.evidence)
    assert not any(item.hazard_id == "kivu-conflict" for item in calm.evidence)


# --- Evidence ------------------------------------------------------------------------------

WEIGHTS = "What a nowcast would take the evidence for"


def test_a_case_lists_its_evidence_with_the_factor_of_its_kind_or_none(case):
    explained = sr.explain(case)
    assert (
        "Evidence: 16 observations, which move nothing unless sr.hazard.nowcast is called; "
        "its table has a factor for 10 of them." in explained.sentences
    )
    table = explained.tables[WEIGHTS]
    factors = {factor.kind: factor for factor in sr.hazard.bayes_factors()}
    assert sorted(table["evidence"]) == sorted(item.evidence_id for item in case.evidence)
    assert table["date"].tolist() == sorted(table["date"])
    given = {item.evidence_id: item for item in case.evidence}
    for row in table.to_dict("records"):
        item, factor = given[row["evidence"]], factors.get(row["kind"])
        assert (row["kind"], row["hazard"]) == (item.kind, item.hazard_id or "any")
        if factor is None:
            assert row["standing"] == "no factor for this kind"
            assert math.isnan(row["factor"])
            continue
        assert (row["family"], row["standing"]) == (factor.family, factor.standing)
        assert (row["low"], row["factor"], row["high"]) == (
            factor.low,
            factor.median,
            factor.high,
        )
        assert row["half_life_d"] == factor.half_life_days


def test_a_case_without_evidence_says_nothing_of_it(case):
    bare = sr.explain(sr.Case(name="x", start=case.start, sites=case.sites[:1]))
    assert WEIGHTS not in bare.tables
    assert "nowcast" not in bare.text


def test_explaining_moves_no_rate(case):
    before = {hazard.hazard_id: hazard.rate_pa for hazard in case.hazards}
    sr.explain(case)
    assert {hazard.hazard_id: hazard.rate_pa for hazard in case.hazards} == before


@pytest.fixture(scope="module")
def now(case):
    hazard = next(item for item in case.hazards if item.hazard_id == "kivu-conflict")
    extra = (
        sr.Evidence(evidence_id="old", date=dt.date(2023, 1, 1), kind="town_taken", statement="x"),
        sr.Evidence(
            evidence_id="elsewhere",
            date=case.start,
            kind="strike_notice",
            statement="x",
            hazard_id="bisie-other",
        ),
    )
    return sr.hazard.nowcast(hazard, (*case.evidence, *extra), as_of=case.start, window_days=28)


def test_a_nowcast_shows_rates_window_and_multiplier_with_its_range(now):
    table = sr.explain(now).tables["What the evidence does to the rate"].set_index("quantity")
    assert table.loc["rate before", "value"] == now.prior_rate_pa == 0.15
    assert table.loc["rate after", "value"] == now.hazard.rate_pa
    assert table.loc["rate shape after", "value"] == now.hazard.rate_shape
    assert table.loc["window", ["value", "unit"]].tolist() == [28, "d"]
    for name, multiplier in (("over the window", now.multiplier), ("on the first day", now.today)):
        row = table.loc[f"multiplier {name}", ["value", "ci_low", "ci_high"]]
        assert tuple(row) == multiplier
    after = table.loc["rate before", "value"] * table.loc["multiplier over the window", "value"]
    assert table.loc["rate after", "value"] == pytest.approx(after, rel=1e-14)


def test_every_observation_of_a_nowcast_is_in_one_of_two_tables_whole(now):
    tables = sr.explain(now).tables
    moved = tables["Observations that move the rate"]
    idle = tables["Observations that move nothing"]
    assert len(moved) == 10
    assert sorted([*moved["evidence_id"], *idle["evidence_id"]]) == sorted(
        row.evidence_id for row in now.rows
    )
    counted = [row for row in now.rows if row.status == "counted"]
    for shown, row in zip(moved.itertuples(index=False), counted, strict=True):
        assert tuple(shown) == tuple(row)
        assert row.standing == "assumption"
    # By hand from what is shown: the first day is ten to the power of the contributions.
    logs = np.log10(moved["factor"]) * 0.5 ** (moved["age_days"] / moved["half_life_days"])
    np.testing.assert_allclose(moved["contribution"], logs * moved["discount"], rtol=1e-12)
    assert 10 ** moved["contribution"].sum() == pytest.approx(now.today.median, rel=1e-12)
    why = dict(zip(idle["evidence_id"], idle["status"], strict=True))
    assert why["old"] == "older than 10 half-lives"
    assert why["elsewhere"] == "bears on bisie-other"
    assert why["foreign-troops"] == "no factor for this kind"


def test_the_words_of_a_nowcast_are_its_own_and_say_what_is_idle(now):
    explained = sr.explain(now)
    assert explained.sentences[: len(now.sentences)] == now.sentences
    assert explained.sentences[-1].startswith("8 of 18 observations move nothing")
    for row in now.rows:
        assert row.evidence_id in explained.text
        assert row.evidence_id in explained._repr_html_()


def test_a_nowcast_that_nothing_moves_says_so(case):
    still = sr.explain(sr.hazard.nowcast(case.hazards[0], []))
    assert list(still.tables) == ["What the evidence does to the rate"]
    assert "0 of 0 observations" in still.text
    assert "move nothing" not in still.text


# --- Conflict ------------------------------------------------------------------------------


def history(days, distances):
    return sr.hazard.conflict_history(
        0.0,
        0.0,
        latitude_deg=np.asarray(distances) / 111.195,
        longitude_deg=np.zeros(len(distances)),
        day=[dt.date(2025, 3, day) for day in days],
        fatalities=np.arange(len(days)),
        as_of=dt.date(2025, 3, 20),
    )


def test_a_history_of_conflict_shows_counts_and_front():
    seen = history([1, 2, 3, 17], [10, 40, 90, 150])
    explained = sr.explain(seen)
    counts = sr.hazard.events_near(seen)
    events = explained.tables["Events near the site"].set_index("within_km")
    assert (events.to_numpy() == counts.events).all()
    assert events.loc[200, "last_7_d"] == 1
    assert (explained.tables["Deaths"].iloc[:, 1:].to_numpy() == counts.fatalities).all()
    assert explained.sentences[0] == (
        "Before 2025-03-20, 4 events of conflict came, the first on 2025-03-01, the last on "
        "2025-03-17; whether the record goes on from there, the rows cannot tell."
    )
    front = sr.hazard.front_distance(seen)
    assert f"{front.distance_km:.3g} km away on average" in explained.text
    assert "Too few events" in sr.explain(history([1], [10])).text
    assert sr.explain(history([], [])).sentences == (
        "No event of conflict is known before 2025-03-20.",
    )


def test_a_multiplier_shows_its_inputs_and_other_elasticities():
    multiplier = sr.hazard.conflict_multiplier(intensity=8.0, mean=2.0, elasticity=0.3, high=3.0)
    explained = sr.explain(multiplier)
    for word in (
        "1.52",
        "8 now",
        "2 in the long run",
        "4, is raised to the power 0.3",
        "0.2 and 3",
    ):
        assert word in explained.sentences[0] + explained.sentences[1]
    table = explained.tables["By elasticity"]
    assert table["elasticity"].tolist() == [0.0, 0.25, 0.3, 0.5, 1.0]
    assert table["multiplier"].tolist() == pytest.approx([1.0, 4**0.25, 4**0.3, 2.0, 3.0])


def test_html_is_escaped(case):
    evil = "<script>alert(1)</script>"
    item = sr.Evidence(evidence_id="x", date=case.start, kind="note", statement=evil)
    shown = sr.explain(
        sr.Case(name="x", start=case.start, evidence=(item,), not_quantified=(evil,))
    )._repr_html_()
    assert "<script>" not in shown
    assert shown.count("&lt;script&gt;") == 2


def test_rejection():
    with pytest.raises(TypeError, match=r"what must be a Case, an Outlook, a Nowcast.*'walikale"):
        sr.explain("walikale-2025")


def test_a_case_in_the_place_of_its_outlook_is_named(case, tmp_path):
    for picture in (sr.plot.fan, sr.plot.timeline, sr.plot.contributions, sr.plot.buyers):
        with pytest.raises(TypeError, match="outlook must be of the class Outlook, got <Case"):
            picture(case)
    with pytest.raises(TypeError, match="outlook must be of the class Outlook"):
        sr.report.write(case, tmp_path / "page.html")
    with pytest.raises(TypeError, match="case must be of the class Case"):
        sr.save_case("walikale-2025", tmp_path / "case.toml")
    assert list(tmp_path.iterdir()) == []
