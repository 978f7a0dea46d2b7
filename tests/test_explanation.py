"""Words about a case and an outlook: each number in them against its own source."""

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
    assert "Only 10 futures are in that tail" in few.text
    assert "read backwards" in few.text
    many = sr.explain(sr.simulate(case, n_scenarios=6000, rng=1))
    assert "are in that tail" not in many.text


def test_nothing_is_read_backwards_without_news(case):
    calm = sr.simulate(case.without("events.bisie-closure"), n_scenarios=200, rng=1)
    assert "read backwards" not in sr.explain(calm).text


def test_one_is_one(case):
    one = sr.Case(name="x", start=case.start, sites=case.sites[:1])
    assert "1 site in 1 country plan" in sr.explain(one).text


def test_a_hazard_can_be_left_out_and_its_evidence_stays(case):
    calm = case.without("hazards.kivu-conflict")
    assert len(calm.evidence) == len(case.evidence)
    assert not any(item.hazard_id == "kivu-conflict" for item in calm.evidence)


def test_html_is_escaped(case):
    evil = "<script>alert(1)</script>"
    item = sr.Evidence(evidence_id="x", date=case.start, kind="note", statement=evil)
    shown = sr.explain(
        sr.Case(name="x", start=case.start, evidence=(item,), not_quantified=(evil,))
    )._repr_html_()
    assert "<script>" not in shown
    assert shown.count("&lt;script&gt;") == 2


def test_rejection():
    with pytest.raises(TypeError, match="what must be a Case or an Outlook"):
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
