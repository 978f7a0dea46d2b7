"""Products of several metals: the scarcest binds, the margin is lost once; worked by hand."""

import dataclasses
import datetime as dt

import numpy as np
import pytest

from supplyrisk.engine.run import simulate
from supplyrisk.errors import InvalidInputError
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import DisruptionEvent, Hazard, Peril, Scope
from supplyrisk.model.market import CommodityExposure, Market, Supply
from supplyrisk.model.site import MineSite

START = dt.date(2025, 1, 1)
DAY = 365.0


def mine(site_id, commodity):
    return MineSite(
        site_id=site_id, name=site_id, commodity=commodity, country="COD", capacity_tpa=DAY
    )


def market(commodity):
    return Market(
        commodity=commodity,
        price_usd_per_t=1_000.0,
        price_date=START,
        supply_tpa=4 * DAY,
        demand_tpa=4 * DAY,
        elasticity_demand=-1e-9,
        elasticity_supply=1e9,
        volatility_pa=0.0,
        consumer_stock_days=0.0,
        most_extra_share=0.0,
    )


def buyer(commodity, daily=1.0, **more):
    return CommodityExposure(
        buyer_id=f"needs-{commodity}",
        name=commodity,
        commodity=commodity,
        demand_tpa=daily * DAY,
        sources=(Supply(scope=Scope.site(f"{commodity}-mine"), share=1.0),),
        product="alloy",
        **{"alternative_limit": 0.0, "priority": 2, **more},
    )


def stop(commodity, after, days, severity=1.0):
    return DisruptionEvent(
        event_id=f"stop-{commodity}",
        peril=Peril.STRIKE,
        scope=Scope.site(f"{commodity}-mine"),
        announced=START,
        started=START + dt.timedelta(days=after),
        duration=Duration.fixed(days=days),
        severity=severity,
    )


def case(*events, exposures=None, **more):
    metals = ("tin", "cobalt")
    return Case(
        name="alloy",
        start=START,
        commodity="tin",
        horizon_days=200,
        step_days=10,
        sites=tuple(mine(f"{metal}-mine", metal) for metal in metals),
        markets=tuple(market(metal) for metal in metals),
        events=events,
        exposures=exposures or (buyer("tin", margin_usd_per_t=600.0), buyer("cobalt", daily=0.5)),
        **more,
    )


HITS = (stop("tin", 20, 40), stop("cobalt", 40, 40))


def test_the_scarcest_metal_binds_and_the_margin_is_lost_once():
    """No tin from day 20 to 60, no cobalt from 40 to 80: 60 days of output at 600 USD, not 80."""
    outlook = simulate(case(*HITS), 2, rng=1)
    buyers, alloy = outlook.exposures, outlook.products.loc["alloy"]
    assert buyers["expected_short_days"].tolist() == pytest.approx([40.0, 40.0])
    # Of equally scarce ones the first by id binds.
    assert buyers["expected_stopped_days"].to_dict() == pytest.approx(
        {"needs-cobalt": 40.0, "needs-tin": 20.0}
    )
    assert alloy["expected_stopped_days"] == pytest.approx(60.0)
    assert alloy["expected_lost_margin_usd"] == pytest.approx(60 * 600.0)
    assert buyers["expected_lost_margin_usd"].sum() == pytest.approx(60 * 600.0)
    assert (alloy["inputs"], alloy["binds_most"]) == ("needs-cobalt, needs-tin", "needs-cobalt")
    assert alloy["probability_stopped"] == 1.0


def test_half_of_one_metal_does_not_matter_where_all_of_another_is_missing():
    hits = (stop("tin", 20, 40, severity=0.5), stop("cobalt", 40, 40))
    outlook = simulate(case(*hits), 2, rng=1)
    steps = {metal: outlook.buyer_steps(f"needs-{metal}") for metal in ("tin", "cobalt")}
    lost = {metal: table["lost_margin_usd"].to_numpy() for metal, table in steps.items()}
    # Ten days a step: half of 6,000 USD while tin is scarcest, all of it while cobalt is.
    expected = np.zeros(20)
    expected[2:4] = 3_000.0
    assert lost["tin"] == pytest.approx(expected)
    expected[2:4], expected[4:8] = 0.0, 6_000.0
    assert lost["cobalt"] == pytest.approx(expected)
    assert steps["tin"]["shortage_t"].sum() == pytest.approx(20.0)


def test_it_does_not_matter_with_which_input_the_margin_stands():
    with_tin = (buyer("tin", margin_usd_per_t=600.0), buyer("cobalt", daily=0.5))
    with_cobalt = (buyer("tin"), buyer("cobalt", daily=0.5, penalty_usd_per_t=1_200.0))
    found = [
        simulate(case(*HITS, exposures=inputs), 2, rng=1).products
        for inputs in (with_tin, with_cobalt)
    ]
    assert found[0].equals(found[1])


def test_a_product_of_one_metal_is_no_product_of_several():
    alone = (buyer("tin", margin_usd_per_t=600.0),)
    named = simulate(case(*HITS, exposures=alone), 2, rng=1)
    plain = simulate(
        case(*HITS, exposures=(dataclasses.replace(alone[0], product=None),)), 2, rng=1
    )
    assert named.exposures.equals(plain.exposures)
    assert named.products.empty


def test_in_every_future_output_is_lost_between_the_worst_input_and_their_sum():
    hazards = tuple(
        Hazard(
            hazard_id=f"stops-{metal}",
            peril=Peril.STRIKE,
            scope=Scope.site(f"{metal}-mine"),
            rate_pa=2.0,
            duration=Duration.lognormal(median_days=20.0, sigma=1.0),
            severity=((0.5, 1.0), (0.5, 0.4)),
        )
        for metal in ("tin", "cobalt")
    )
    outlook = simulate(case(hazards=hazards), 2_000, rng=4)
    inputs = list(outlook.result.buyers.values())
    short = np.array([lost.short_days for lost in inputs])
    stopped = np.sum([lost.stopped_days for lost in inputs], axis=0)
    slack = 1e-9 * short.max()
    assert (short.max(axis=0) <= stopped + slack).all()
    assert (stopped <= short.sum(axis=0) + slack).all()
    assert (stopped < short.sum(axis=0) - 1.0).any()  # both were missing at once in some
    steps = sum(outlook.buyer_steps(b)["lost_margin_usd"].sum() for b in outlook.exposures.index)
    total = outlook.products.loc["alloy", "expected_lost_margin_usd"]
    assert steps == pytest.approx(total) == pytest.approx(600.0 * stopped.mean())


@pytest.mark.parametrize(
    ("exposures", "fault"),
    [
        (
            (buyer("tin"), dataclasses.replace(buyer("tin"), buyer_id="more-tin")),
            r"exposures.needs-tin.commodity must differ among the buyers for 'alloy', got 'tin'",
        ),
        (
            (buyer("tin", margin_usd_per_t=1.0), buyer("cobalt", penalty_usd_per_t=2.0)),
            r"exposures.needs-cobalt.margin_usd_per_t must be 0, as penalty, where 'needs-tin'",
        ),
    ],
)
def test_inputs_of_a_product_that_do_not_fit_are_refused(exposures, fault):
    with pytest.raises(InvalidInputError, match=fault):
        case(exposures=exposures)
