"""The report page: whole, self-contained, the same every time, and deaf to what texts say."""

import datetime as dt
import itertools
import re
from html.parser import HTMLParser

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

import supplyrisk as sr
from supplyrisk import report

START = dt.date(2025, 3, 20)
VOID = {"br", "hr", "img", "link", "meta"}
SECTIONS = [
    "in-short",
    "where",
    "known",
    "how-long",
    "how-much",
    "stocks",
    "price",
    "buyers",
    "then",
    "assumed",
    "left-out",
    "made-from",
]
PICTURES = ["map", "timeline", "exceedance", "contributions", "supply", "stocks", "price", "buyers"]


class Page(HTMLParser):
    """A page that was read: what it shows, its elements, and what does not fit together."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.elements, self.faults, self.texts, self._open = [], [], [], []
        self.feed(source)
        self.close()
        self.faults += [f"<{name}> is not closed" for name in self._open]

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if len(dict(attrs)) < len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self):
        return "".join(self.texts)

    def values(self, attribute):
        return [attrs[attribute] for _, attrs in self.elements if attribute in attrs]

    def named(self, name):
        return [attrs for tag, attrs in self.elements if tag == name]


@pytest.fixture(scope="module")
def case():
    return sr.load_case("walikale-2025")


@pytest.fixture(scope="module")
def outlook(case):
    return sr.simulate(case, 1000, rng=7, keep="events")


@pytest.fixture(scope="module")
def outcome():
    return sr.load_outcome("walikale-2025")


@pytest.fixture(scope="module")
def source(outlook, outcome):
    return report.page(outlook, outcome=outcome)


@pytest.fixture(scope="module")
def page(source):
    return Page(source)


def small(**changes):
    """Return a case of one mine and one hazard, and whatever else is asked for."""
    site = sr.MineSite(
        site_id="mine", name="Mine", commodity="tin", country="COD", capacity_tpa=1000.0
    )
    hazard = sr.Hazard(
        hazard_id="strike",
        peril=sr.Peril.STRIKE,
        scope=sr.Scope.site("mine"),
        rate_pa=2.0,
        duration=sr.Duration.fixed(days=30.0),
    )
    fields = {"name": "small", "start": START, "sites": (site,), "hazards": (hazard,)}
    return sr.Case(**(fields | changes))


def market(**changes):
    fields = {
        "commodity": "tin",
        "price_usd_per_t": 30_000.0,
        "price_date": START,
        "supply_tpa": 5000.0,
        "demand_tpa": 5000.0,
        "volatility_pa": 0.2,
    }
    return sr.Market(**(fields | changes))


@pytest.fixture(scope="module")
def pictures(outlook):
    """Return the pictures that there are: one more for each buyer who may be short."""
    short = outlook.exposures["probability_short"] > 0.0
    return [*PICTURES, *(f"shortage-{buyer_id}" for buyer_id in outlook.exposures.index[short])]


# ---------------------------------------------------------------------------------------
# The page as HTML
# ---------------------------------------------------------------------------------------


def test_the_page_is_well_formed(source, page):
    assert source.startswith("<!DOCTYPE html>\n<html lang=")
    assert page.faults == []
    ids = page.values("id")
    assert len(ids) == len(set(ids))


def test_every_place_that_is_linked_exists(page):
    targets = {href[1:] for href in page.values("href") if href.startswith("#")}
    assert targets
    assert targets <= set(page.values("id"))
    assert set(page.values("aria-labelledby")) <= set(page.values("id"))


def test_all_sections_stand_in_the_order_in_which_a_reader_asks(page, pictures):
    assert [attrs["aria-labelledby"] for attrs in page.named("section")] == SECTIONS
    contents = [href[1:] for href in page.values("href")[: len(SECTIONS)]]
    assert contents == SECTIONS
    assert [i for i in page.values("id") if i.startswith("picture-")] == [
        f"picture-{name}" for name in pictures
    ]


def test_headings_do_not_skip_a_level(page):
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_every_picture_says_in_words_what_it_shows(page, pictures):
    alternatives = [attrs["alt"] for attrs in page.named("img")]
    assert len(alternatives) == len(pictures)
    assert all(len(text) > 40 for text in alternatives)
    assert len(set(alternatives)) == len(alternatives)


def test_nothing_is_loaded_from_outside(source, page):
    assert all(src.startswith("data:image/") for src in page.values("src"))
    loading = {"base", "embed", "form", "frame", "iframe", "link", "object", "script"}
    assert not loading & {tag for tag, _ in page.elements}
    assert {tag for tag, attrs in page.elements if "href" in attrs} == {"a"}
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    style = "".join(re.findall(r"<style>(.*?)</style>", source, re.DOTALL))
    assert "{" in style
    assert not re.search(r"url\(|@import|<|expression\(", style + "".join(page.values("style")))


def test_the_policy_forbids_what_the_page_does_not_need(source):
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    escaped = policy.replace("'", "&#x27;")
    assert source.index(escaped) < source.index("<style>")


def test_outgoing_links_tell_nothing(page):
    outgoing = [attrs for attrs in page.named("a") if not attrs["href"].startswith("#")]
    assert outgoing
    assert all(attrs["href"].startswith(("https://", "http://")) for attrs in outgoing)
    assert all(attrs["rel"] == "noopener noreferrer" for attrs in outgoing)


def test_the_page_is_light(source):
    assert len(source) < 3_000_000


def test_the_same_outlook_gives_the_same_page(case, outcome, source, tmp_path):
    again = sr.simulate(case, 1000, rng=7, keep="events")
    path = report.write(again, tmp_path / "report.html", outcome=outcome)
    assert path.read_text(encoding="utf-8") == source


def test_nobodys_settings_change_the_page(outlook, outcome, source):
    with mpl.rc_context({"font.size": 30.0, "figure.facecolor": "red", "svg.hashsalt": "x"}):
        assert report.page(outlook, outcome=outcome) == source


def test_settings_and_pyplot_stay_as_they_were(outlook):
    before = dict(mpl.rcParams)
    report.page(outlook)
    assert dict(mpl.rcParams) == before
    assert not plt.get_fignums()


# ---------------------------------------------------------------------------------------
# What it says
# ---------------------------------------------------------------------------------------


def test_the_headline_is_the_supply_at_risk(outlook, page):
    summary = outlook.summary().set_index("metric")
    risk = summary.loc["supply_at_risk"]
    said = " ".join(page.text.split())  # the thin space before a percent sign counts as one
    assert f"{100 * risk['value']:.1f} % of the tin planned" in said
    assert f"90 % interval {100 * risk['ci_low']:.1f} to {100 * risk['ci_high']:.1f} %" in said


def test_every_fact_of_the_case_is_on_the_page(case, page):
    for item in case.evidence:
        assert item.statement in page.text
    for cited in case.sources:
        assert cited.title in page.text
        assert cited.licence in page.text
        assert cited.url is None or cited.url in page.values("href")
    for citation in case.citations:
        assert citation.path in page.text
        assert citation.note in page.text
    for sentence in case.not_quantified:
        assert sentence in page.text
    for name in (*(site.name for site in case.sites), *(b.name for b in case.exposures)):
        assert name in page.text


def test_it_says_what_it_was_made_from(outlook, page):
    made = outlook.provenance
    for fact in (made.case_digest, str(made.seed), f"{made.n_scenarios:,}", *made.versions):
        assert fact in page.text


def test_every_observation_is_on_the_page_with_its_note(outcome, page):
    for observation in outcome.observations:
        assert observation.note in page.text


def test_few_futures_in_the_tail_are_called_few(page):
    assert "Only 50 futures are in the worst" in page.text


def test_made_up_buyers_are_called_so(page):
    assert page.values("class").count("badge") == 2
    assert "say nothing about any real company" in page.text


def test_an_outcome_of_another_case_is_refused(outlook):
    with pytest.raises(ValueError, match=r"outcome must be that of case 'walikale-2025'"):
        report.page(outlook, outcome=sr.Outcome(name="elsewhere"))


# ---------------------------------------------------------------------------------------
# Smaller cases
# ---------------------------------------------------------------------------------------


def sections_of(outlook, **others):
    page = Page(report.page(outlook, **others))
    assert page.faults == []
    assert "nan" not in page.text.split()
    return [attrs["aria-labelledby"] for attrs in page.named("section")]


def test_a_case_of_losses_alone_leaves_out_what_it_has_not():
    assert sections_of(sr.simulate(small(), 200, rng=1)) == [
        "in-short",
        "where",
        "how-much",
        "assumed",
        "made-from",
    ]


def test_kept_events_bring_the_timeline():
    outlook = sr.simulate(small(), 200, rng=1, keep="events")
    assert "how-long" in sections_of(outlook)
    assert "picture-timeline" in report.page(outlook)


def test_a_market_without_buyers():
    sections = sections_of(sr.simulate(small(markets=(market(),)), 200, rng=1))
    assert "price" in sections
    assert "stocks" in sections
    assert "buyers" not in sections


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"hazards": ()}, id="nothing can happen"),
        pytest.param({"hazards": (), "markets": (market(),)}, id="only the price moves"),
        pytest.param({"horizon_days": 1, "step_days": 1}, id="one day"),
        pytest.param({"horizon_days": 1000, "step_days": 30}, id="no return periods"),
        pytest.param(
            {"markets": (market(last_quote_usd_per_t=29_000.0, last_quote_date=START),)},
            id="the price fell",
        ),
        pytest.param(
            {
                "sites": (
                    sr.MineSite(
                        site_id="mine",
                        name="Nowhere",
                        commodity="tin",
                        country="ZZZ",
                        capacity_tpa=1.0,
                    ),
                )
            },
            id="no place on the map",
        ),
        pytest.param(
            {
                "sites": (
                    sr.MineSite(
                        site_id="mine",
                        name="Idle",
                        commodity="tin",
                        country="COD",
                        capacity_tpa=1.0,
                        utilisation=0.0,
                    ),
                )
            },
            id="nothing planned",
        ),
        pytest.param(
            {
                "events": (
                    sr.DisruptionEvent(
                        event_id="over",
                        peril=sr.Peril.ACCIDENT,
                        scope=sr.Scope.country("COD"),
                        started=dt.date(2024, 1, 1),
                        ended=dt.date(2024, 2, 1),
                    ),
                    sr.DisruptionEvent(
                        event_id="to-come",
                        peril=sr.Peril.STRIKE,
                        scope=sr.Scope.region("the_hills", site_ids=("mine",)),
                        announced=START,
                        started=dt.date(2025, 5, 1),
                        duration=sr.Duration.fixed(days=10.0),
                        probability=0.5,
                    ),
                )
            },
            id="an event over and one to come",
        ),
    ],
)
def test_unusual_cases_have_a_page(changes):
    sections_of(sr.simulate(small(**changes), 50, rng=1, keep="events"))


def test_a_severity_of_several_parts_is_shown_in_the_form_of_its_mean():
    case = small(
        sources=(sr.Source(source_id="s", publisher="P", title="T", licence="L"),),
        citations=(sr.Citation(path="hazards.strike.severity", source_id="s", standing="derived"),),
    ).with_values({"hazards.strike.severity": ((2 / 3, 1.0), (1 / 3, 0.5))})
    shown = Page(report.page(sr.simulate(case, 50, rng=1))).text
    assert "hazards.strike.severity = 0.6667 x 1 + 0.3333 x 0.5" in shown


def test_two_futures_are_enough_for_a_page(case):
    sections_of(sr.simulate(case, 2, rng=0))


def test_without_kept_events_output_is_shown_and_not_compared(case, outcome):
    page = Page(report.page(sr.simulate(case, 50, rng=1), outcome=outcome))
    assert "third quarter" in page.text
    assert "without production noise" not in page.text
