"""The card: its headline against the metric it is made of, its parts against their sum."""

import datetime as dt
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import supplyrisk as sr


@pytest.fixture(scope="module")
def outlook():
    return sr.simulate(sr.load_case("walikale-2025"), n_scenarios=2000, rng=3)


def value(card, name, subject=None):
    rows = card.rows[card.rows["name"] == name]
    if subject is not None:
        rows = rows[rows["subject"] == subject]
    return rows["value"].to_numpy()


def test_the_headline_is_the_tail_mean_as_a_share_of_the_plan(outlook):
    card = sr.score(outlook)
    worst = np.sort(outlook.lost_t)[-100:]  # 5 % of 2,000
    assert card.supply_at_risk == pytest.approx(worst.mean() / 300_000, rel=1e-12)
    assert card.interval.low < card.supply_at_risk < card.interval.high


def test_the_parts_of_the_sites_sum_to_the_headline(outlook):
    card = sr.score(outlook)
    assert value(card, "part_of_supply_at_risk").sum() == pytest.approx(card.supply_at_risk)
    own = value(card, "expected_lost_share", "bisie")
    rows = card.rows.set_index(["name", "subject"]).sort_index()
    ends = rows.loc[("part_of_supply_at_risk", "bisie")].squeeze()
    assert ends["ci_low"] * 300_000 == pytest.approx(outlook.sites.loc["bisie", "tail_ci_low"])
    assert own == pytest.approx(outlook.sites.loc["bisie", "expected_lost_share"])


def test_the_sections_keep_what_is_simulated_apart_from_what_is_published(outlook):
    card = sr.score(outlook)
    sections = card.rows.groupby("section")["level"].agg(set)
    assert sections["simulated"] == {"commodity", "site", "buyer"}
    assert sections["structural"] == {"commodity"}
    simulated = card.rows["section"] == "simulated"
    assert set(card.rows.loc[simulated, "standing"]) == {"simulated"}
    assert "simulated" not in set(card.rows.loc[~simulated, "standing"])
    assert card.rows.loc[simulated, "source"].iloc[0].endswith(outlook.case.digest[:12])
    # As text the indicators stand below the last simulated figure.
    lines = str(card).splitlines()
    (title,) = [n for n, line in enumerate(lines) if line.startswith("Structural indicators")]
    assert max(n for n, line in enumerate(lines) if "supply_at_risk" in line) < title
    assert min(n for n, line in enumerate(lines) if line.startswith("hhi")) > title


def test_structural_rows_are_those_of_the_indicator_table(outlook):
    card = sr.score(outlook)
    seed, day = outlook.provenance.seed, outlook.case.start
    table = sr.indicator_table(outlook.case, as_of=day, rng=seed)
    rows = card.rows[card.rows["section"] == "structural"].reset_index(drop=True)
    for column in ("name", "value", "ci_low", "ci_high", "stage", "standing", "coverage", "note"):
        pd.testing.assert_series_equal(rows[column], table[column])
    assert rows["source"].tolist() == table["source_id"].tolist()
    assert rows["subject"].unique().tolist() == ["tin"]


def test_a_buyers_row_is_cost_and_margin_together(outlook):
    lost = outlook.result.buyers["solder-maker"]
    total = np.sort(lost.cost_usd + lost.lost_margin_usd)[-100:].mean()
    card = sr.score(outlook)
    assert value(card, "tail_cost_and_lost_margin_usd", "solder-maker") == pytest.approx(total)
    short = (lost.shortage_t > 0).mean()
    assert value(card, "probability_short", "solder-maker") == pytest.approx(short)


def test_a_case_is_simulated_with_the_seed_given():
    case = sr.load_case("walikale-2025")
    by_case = sr.score(case, n_scenarios=300, rng=0)
    by_outlook = sr.score(sr.simulate(case, n_scenarios=300, rng=0))
    pd.testing.assert_frame_equal(by_case.rows, by_outlook.rows, check_exact=True)


def test_the_card_shows_itself_and_escapes(outlook):
    case = outlook.case.with_values({"sites.bisie.name": "<script>alert(1)</script>"})
    card = sr.score(case, n_scenarios=200, rng=1)
    assert "<script>" not in card._repr_html_()
    assert "&lt;script&gt;" in card._repr_html_()
    assert "supply at risk" in repr(card)
    assert "bisie" in str(card)


def test_a_row_of_many_sources_shows_two_and_counts_the_rest(outlook):
    card = sr.score(outlook)
    rows = card.rows[(card.rows["name"] == "hhi") & card.rows["value"].notna()]
    first, second, *others = rows["source"].iloc[0].split(";")
    assert others
    assert f"{first}; {second} and {len(others)} more" in str(card)
    assert f"{first}; {second} and {len(others)} more" in card._repr_html_()


@pytest.mark.parametrize(("n_scenarios", "n_tail"), [(2000, 100), (5999, 299)])
def test_the_card_warns_of_a_thin_tail_as_text_and_in_a_notebook(n_scenarios, n_tail):
    card = sr.score(sr.load_case("walikale-2025"), n_scenarios=n_scenarios, rng=1)
    (caution,) = card.outlook.cautions
    assert caution.startswith(f"Only {n_tail} futures are in the worst 5 %")
    assert str(card).splitlines()[1] == caution  # below the headline
    assert f"<p><b>{caution}</b></p>" in card._repr_html_()


def test_the_card_says_nothing_of_a_tail_of_300_futures():
    card = sr.score(sr.load_case("walikale-2025"), n_scenarios=6000, rng=1)
    assert card.outlook.cautions == ()
    assert str(card).splitlines()[1] == ""
    for text in (str(card), card._repr_html_()):
        assert "simulate more" not in text


# A card by hand --------------------------------------------------------------------------


def mine(site_id, capacity_tpa, country):
    return sr.MineSite(
        site_id=site_id, name=site_id, commodity="tin", country=country, capacity_tpa=capacity_tpa
    )


SHUT = sr.DisruptionEvent(
    event_id="shut",
    peril=sr.Peril.STRIKE,
    scope=sr.Scope.site("a"),
    started=dt.date(2025, 1, 1),
    duration=sr.Duration.fixed(days=73.0),  # a fifth of the year
)
TINY = sr.Case(
    name="tiny",
    start=dt.date(2025, 1, 1),
    sites=(mine("a", 600.0, "PER"), mine("b", 400.0, "BOL")),
    events=(SHUT,),
)


def test_a_card_by_hand():
    card = sr.score(TINY, n_scenarios=20, rng=1)
    # a is shut for 73 of 365 days in every future: 120 of 1,000 t.
    assert card.supply_at_risk == pytest.approx(0.12)
    assert card.interval == pytest.approx((0.12, 0.12))
    assert value(card, "expected_lost_share", "tin") == pytest.approx(0.12)
    assert value(card, "part_of_supply_at_risk").tolist() == pytest.approx([0.12, 0.0])
    assert value(card, "expected_lost_share", "a") == pytest.approx(0.2)
    # Nothing in the case can stop b: its 400 t are not known to be safe.
    assert "No hazard or event of the case hits 40.0% of the planned production" in str(card)
    assert value_of(card, "coverage", "supply_at_risk") == pytest.approx(0.6)
    hhi = card.rows[(card.rows["name"] == "hhi") & (card.rows["stage"] == "mine")]
    assert hhi["value"].tolist() == pytest.approx([0.6**2 + 0.4**2])


def value_of(card, column, name):
    return card.rows.set_index("name").loc[name, column]


def test_coverage_is_the_mean_share_of_what_is_known_and_the_rest_is_named():
    card = sr.score(TINY, n_scenarios=20, rng=1)
    structural = card.rows[card.rows["section"] == "structural"]
    known = structural["value"].notna()
    by_hand = np.mean([0.6, *structural["coverage"].where(known, 0.0)])
    assert card.coverage == pytest.approx(by_hand)
    assert 0.0 < card.coverage < 1.0
    assert card.missing["name"].tolist() == structural.loc[~known, "name"].tolist()
    assert (card.missing["note"] != "").all()
    assert f"Coverage {card.coverage:.0%}: {known.sum()} of {len(structural)}" in str(card)


def test_taking_a_threat_away_lowers_the_coverage():
    both = sr.Hazard(
        hazard_id="b-strike",
        peril=sr.Peril.STRIKE,
        scope=sr.Scope.site("b"),
        rate_pa=0.1,
        duration=sr.Duration.fixed(days=10.0),
    )
    threatened = sr.score(replace(TINY, hazards=(both,)), n_scenarios=20, rng=1)
    assert threatened.coverage > sr.score(TINY, n_scenarios=20, rng=1).coverage


def test_a_case_without_threats_is_not_known_to_be_safe():
    card = sr.score(replace(TINY, events=()), composite=True, n_scenarios=20, rng=1)
    assert card.supply_at_risk == 0.0
    assert value_of(card, "coverage", "supply_at_risk") == 0.0
    assert np.isnan(card.composite.value)
    assert "none without supply_at_risk" in card.composite.said


def test_a_metal_that_is_not_bundled_is_scored_by_its_case():
    sites = tuple(replace(site, commodity="unobtainium") for site in TINY.sites)
    card = sr.score(replace(TINY, sites=sites, commodity="unobtainium"), n_scenarios=20, rng=1)
    assert card.supply_at_risk == pytest.approx(0.12)
    assert "recycling_input_rate" in card.missing["name"].tolist()


def test_an_outlook_by_occurrence_has_a_card():
    hazard = sr.Hazard(
        hazard_id="strike",
        peril=sr.Peril.STRIKE,
        scope=sr.Scope.site("a"),
        rate_pa=0.5,
        duration=sr.Duration.fixed(days=30.0),
    )
    outlook = sr.simulate(
        replace(TINY, events=(), hazards=(hazard,)), 200, rng=1, basis="occurrence"
    )
    worst = np.sort(outlook.lost_t)[-10:]
    assert sr.score(outlook).supply_at_risk == pytest.approx(worst.mean() / 1_000.0)


# A commodity -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tin():
    return sr.score("Tin", n_scenarios=400, rng=5)


def test_a_commodity_stands_on_the_last_day_that_the_catalogue_looked(tin):
    seen = sr.data.disruptions()["last_observed"].max().date()
    assert tin.outlook.case == sr.data.build_case("tin", start=seen)
    assert f"as of {seen}" in tin.notes[0]
    assert tin.notes[0] in str(tin)
    assert tin.notes[0] in tin._repr_html_()
    assert repr(tin).startswith(f"<Scorecard of 'tin-{seen}': supply at risk ")
    assert tin.supply_at_risk == pytest.approx(sr.score(tin.outlook).supply_at_risk)


def test_what_cannot_be_simulated_has_no_headline_and_says_why():
    card = sr.score("uranium", rng=1)
    assert card.outlook is None
    assert np.isnan(card.supply_at_risk)
    assert np.isnan(card.interval.low)
    assert card.missing["name"].iloc[0] == "supply_at_risk"
    assert "No output of uranium by country is bundled" in card.missing["note"].iloc[0]
    assert card.coverage < 0.5
    assert repr(card) == f"<Scorecard of 'uranium': not simulated, coverage {card.coverage:.0%}>"
    assert "nothing could be simulated" in str(card)
    assert not re.search(r"\bnan\b", str(card))


def test_every_card_shows_at_most_eight_sites_and_holds_all(tin):
    n_sites = len(tin.outlook.case.sites)
    assert n_sites > 8
    assert (tin.rows["name"] == "part_of_supply_at_risk").sum() == n_sites
    assert str(tin).count("part_of_supply_at_risk") == 8
    assert "the 8 sites with the largest parts" in str(tin)


# A buyer ---------------------------------------------------------------------------------


def test_a_buyer_has_drivers_and_survival(outlook):
    card = sr.score(outlook, buyer="solder-maker")
    rows = card.rows[card.rows["section"] == "simulated"]
    drivers = outlook.drivers("solder-maker").head(5)
    found = rows[rows["level"] == "driver"]
    assert found["subject"].tolist() == drivers.index.tolist()
    assert found["value"].tolist() == drivers["tail_usd"].tolist()
    survival = outlook.survival("solder-maker")
    sources = rows[rows["level"] == "source"].pivot_table(
        index="subject", columns="name", values="value", sort=False
    )
    for name in ("time_to_survive_days", "time_to_recover_days", "probability_longer"):
        assert sources[name].to_dict() == survival[name].to_dict()
    # The two figures that every buyer has are the same without asking for him.
    plain = sr.score(outlook).rows
    pd.testing.assert_frame_equal(
        rows[rows["level"] == "buyer"].reset_index(drop=True),
        plain[(plain["level"] == "buyer") & (plain["subject"] == "solder-maker")].reset_index(
            drop=True
        ),
    )


# Refusals --------------------------------------------------------------------------------


def test_rejections(outlook):
    with pytest.raises(TypeError, match="what must be a commodity, a Case or an Outlook"):
        sr.score(7)
    with pytest.raises(sr.InvalidInputError, match="did you mean 'tin'"):
        sr.score("tinn")
    with pytest.raises(sr.InvalidInputError, match=r"buyer must be one of .*did you mean 'solder-"):
        sr.score(outlook, buyer="solder-makr")
    for none in (TINY, "uranium", "tin"):
        with pytest.raises(sr.InvalidInputError, match="buyer must be left out: there is no"):
            sr.score(none, buyer="me", n_scenarios=10, rng=1)
    with pytest.raises(sr.InvalidInputError, match="weights must be left out unless composite"):
        sr.score(outlook, weights={"hhi_wgi": 1.0})
    with pytest.raises(sr.InvalidInputError, match="region"):
        sr.score(outlook, region="Atlantis")
    case = sr.load_case("walikale-2025")
    idle = case.with_values({f"sites.{s.site_id}.utilisation": 0.0 for s in case.sites})
    with pytest.raises(ValueError, match="must plan to produce"):
        sr.score(idle, n_scenarios=10, rng=1)
