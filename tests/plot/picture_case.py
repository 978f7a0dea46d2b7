"""A small case, scores, and what stands on axes; the tests of the pictures load them."""

import datetime as dt

import pandas as pd

import supplyrisk as sr

START = dt.date(2025, 3, 20)
NASTY = "A $1 <b>mine</b>_of\n& $2"


def site(site_id, name, capacity_tpa, country="COD"):
    return sr.MineSite(
        site_id=site_id, name=name, commodity="tin", country=country, capacity_tpa=capacity_tpa
    )


def strike(site_id, rate_pa):
    return sr.Hazard(
        hazard_id=f"{site_id}-strike",
        peril=sr.Peril.STRIKE,
        scope=sr.Scope.site(site_id),
        rate_pa=rate_pa,
        duration=sr.Duration.exponential(mean_days=60.0),
    )


def closure(event_id, site_id, started, **terms):
    return sr.DisruptionEvent(
        event_id=event_id,
        peril=sr.Peril.ARMED_CONFLICT,
        scope=sr.Scope.site(site_id),
        started=started,
        **terms,
    )


CASE = sr.Case(
    name="small",
    start=START,
    sites=(
        site("calm", NASTY, 50_000.0, "PER"),
        site("shut", "Shut", 20_000.0),
        site("long-shut", "Long shut", 10_000.0, "MMR"),
        site("tiny", "Tiny", 10.0),
    ),
    hazards=(strike("calm", 0.5), strike("tiny", 0.01)),
    events=(
        closure("new", "shut", dt.date(2025, 3, 13), duration=sr.Duration.fixed(days=100.0)),
        closure("old", "long-shut", dt.date(2023, 8, 1), duration=sr.Duration.fixed(days=4000.0)),
    ),
    markets=(
        sr.Market(
            commodity="tin",
            price_usd_per_t=33_427.0,
            price_date=dt.date(2025, 3, 12),
            last_quote_usd_per_t=36_160.0,
            last_quote_date=dt.date(2025, 3, 14),
            supply_tpa=368_000.0,
            demand_tpa=368_000.0,
            volatility_pa=0.27,
        ),
    ),
    exposures=(
        sr.CommodityExposure(
            buyer_id="mill",
            name="Mill",
            commodity="tin",
            demand_tpa=500.0,
            sources=(sr.Supply(scope=sr.Scope.site("shut"), share=0.5),),
            margin_usd_per_t=3_000.0,
            illustrative=True,
        ),
    ),
)
SCORES = pd.DataFrame(
    {
        "way": ["one"] * 4 + ["other"] * 4,
        "pit_low": [0.05, 0.3, 0.5, 0.95, 0.0, 0.0, 0.1, 0.6],
        "pit_high": [0.05, 0.3, 1.0, 0.95, 0.0, 0.0, 0.1, 1.0],
    }
)
SAFE = sr.Case(name="safe", start=START, sites=(site("calm", NASTY, 50_000.0),))


def by_gid(artists, gid):
    return [artist for artist in artists if artist.get_gid() == gid]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legends(ax):
    held = [child for child in ax.get_children() if type(child).__name__ == "Legend"]
    return [text.get_text() for legend in held for text in legend.get_texts()]


def names(ax):
    return [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
