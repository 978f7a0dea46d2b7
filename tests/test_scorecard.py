"""The card: its headline against the metric it is made of, its parts against their sum."""

import numpy as np
import pytest

import supplyrisk as sr


@pytest.fixture(scope="module")
def outlook():
    return sr.simulate(sr.load_case("walikale-2025"), n_scenarios=2000, rng=3)


def value(card, measure, subject=None):
    rows = card.rows[card.rows["measure"] == measure]
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
    assert own == pytest.approx(outlook.sites.loc["bisie", "expected_lost_share"])


def test_concentration_is_that_of_the_plan_by_country(outlook):
    plan = {}
    for site in outlook.case.sites:
        plan[site.country] = plan.get(site.country, 0.0) + site.production_tpa
    by_hand = sum((tonnes / 300_000) ** 2 for tonnes in plan.values())
    assert value(sr.score(outlook), "plan_hhi_by_country") == pytest.approx(by_hand)


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
    assert by_case.rows.equals(by_outlook.rows)


def test_the_card_shows_itself_and_escapes(outlook):
    case = outlook.case.with_values({"sites.bisie.name": "<script>alert(1)</script>"})
    card = sr.score(case, n_scenarios=200, rng=1)
    assert "<script>" not in card._repr_html_()
    assert "&lt;script&gt;" in card._repr_html_()
    assert "supply at risk" in repr(card)
    assert "bisie" in str(card)


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


def test_rejections():
    with pytest.raises(TypeError, match="case must be a Case or an Outlook"):
        sr.score("tin")
    case = sr.load_case("walikale-2025")
    idle = case.with_values({f"sites.{s.site_id}.utilisation": 0.0 for s in case.sites})
    with pytest.raises(ValueError, match="must plan some production"):
        sr.score(idle, n_scenarios=10, rng=1)
