"""Texts of a case stay texts, whatever they look like."""

import datetime as dt
import html
import re

import pytest

import supplyrisk as sr
from supplyrisk import report
from supplyrisk.report import _words as words

START = dt.date(2025, 3, 20)
ATTACK = "<script>document.title='owned'</script> & \"quotes\" 'n $\\frac$ $2"


def hostile_case():
    """Return a case in which every free text tries to be more than text."""
    long_text = f"{ATTACK} </style></title></main>"
    return sr.Case(
        name="small",
        start=START,
        sites=(
            sr.MineSite(
                site_id="mine", name=ATTACK, commodity="tin", country="COD", capacity_tpa=1000.0
            ),
        ),
        events=(
            sr.DisruptionEvent(
                event_id="shut",
                peril=sr.Peril.STRIKE,
                scope=sr.Scope.site("mine"),
                started=START - dt.timedelta(days=5),
                duration=sr.Duration.exponential(mean_days=60.0),
            ),
        ),
        markets=(
            sr.Market(
                commodity="tin",
                price_usd_per_t=30_000.0,
                price_date=START,
                supply_tpa=5000.0,
                demand_tpa=5000.0,
                volatility_pa=0.2,
            ),
        ),
        exposures=(
            sr.CommodityExposure(
                buyer_id="buyer",
                name=f"buyer {ATTACK}",
                commodity="tin",
                demand_tpa=100.0,
                sources=(sr.Supply(scope=sr.Scope.site("mine"), share=0.5),),
                illustrative=True,
            ),
        ),
        sources=(
            sr.Source(
                source_id="paper",
                publisher=f"publisher {ATTACK}",
                title=f"title {long_text}",
                licence=f"licence {ATTACK}",
                url='https://example.org/?a=1&b="><script>alert(1)</script>',
            ),
        ),
        citations=(
            sr.Citation(
                path="sites.mine.capacity_tpa",
                source_id="paper",
                standing="reported",
                note=f"note {ATTACK}",
            ),
        ),
        evidence=(
            sr.Evidence(
                evidence_id="seen",
                date=START,
                kind="report",
                statement=f"statement {long_text}",
                source_id="paper",
            ),
        ),
        not_quantified=(f"missing {ATTACK}",),
    )


def hostile_outcome():
    return sr.Outcome(
        name="small",
        observations=(
            sr.Observation(
                quantity="closure_days",
                subject="events.shut",
                date=dt.date(2025, 4, 20),
                value=36.0,
                unit="d",
                source_id="later",
                note=f"noted {ATTACK}",
            ),
            sr.Observation(
                quantity="mood",
                subject=f"subject {ATTACK}",
                date=dt.date(2025, 4, 20),
                value=1.0,
                unit=f"unit {ATTACK}",
                source_id="later",
            ),
        ),
        sources=(
            sr.Source(
                source_id="later",
                publisher=f"later {ATTACK}",
                title=f"later title {ATTACK}",
                licence="open",
            ),
        ),
    )


@pytest.fixture(scope="module")
def attacked():
    outlook = sr.simulate(hostile_case(), 200, rng=1, keep="events")
    return report.page(outlook, outcome=hostile_outcome())


def test_texts_that_look_like_html_are_shown_as_text(attacked):
    assert not re.search(r"<script", attacked)
    # Had a text not been escaped, its tags would be taken away here with those of the page.
    shown = html.unescape(re.sub(r"<[^>]*>", "", attacked))
    for what in ("buyer", "publisher", "title", "licence", "note", "statement", "missing"):
        assert f"{what} {ATTACK}" in shown
    for what in ("noted", "subject", "unit", "later", "later title"):
        assert f"{what} {ATTACK}" in shown
    assert shown.count(ATTACK) > 12  # the site, which is named all over the page


def test_the_page_warns_of_a_thin_tail_and_of_no_other(attacked):
    shown = html.unescape(re.sub(r"<[^>]*>", "", attacked))
    assert "Only 10 futures are in the worst 5 %: simulate more before quoting" in shown
    enough = report.page(sr.simulate(hostile_case(), 6000, rng=1))  # 300 in the tail
    assert "simulate more" not in enough


def test_names_are_escaped_in_attributes_too(attacked):
    (alt,) = re.findall(r'<img [^>]*alt="(World map[^"]*)"', attacked)
    assert ATTACK in html.unescape(alt)
    address = html.escape('https://example.org/?a=1&b="><script>alert(1)</script>')
    assert f'<a href="{address}" rel="noopener noreferrer">' in attacked


def test_smelters_and_routes_are_named_as_what_they_are():
    case = hostile_case()
    assert words.scope(case, sr.Scope.smelter("msc")) == "the smelter msc"
    assert words.scope(case, sr.Scope.route("bisie-mombasa")) == "the route bisie-mombasa"
    assert words.scope(case, sr.Scope.country("COD")) == words.country("COD")


def test_the_page_says_what_moves_the_price_and_that_nothing_replaces_the_source(attacked):
    assert "expected to be missing, or is missing from stocks and use" in attacked
    assert "Days that the own stock lasts, nothing replaced" in attacked
