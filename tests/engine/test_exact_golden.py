"""The exact engine against reference values of five portfolios.

The values come with the project (golden/compound_losses.json): plain FFT with a mean-preserving
hat, zero padding, and steps h and h/2 extrapolated; their own relative change is at most 2e-6, and
their parts by site miss their sum by 2.2e-6.  The portfolio rule draws no random numbers.
"""

import datetime as dt

import numpy as np
import pytest

from supplyrisk.engine.compound import exact_losses
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Hazard, Peril, Scope
from supplyrisk.model.site import MineSite

LEVELS = (0.9, 0.95, 0.99, 0.996)
# mean, sd, then value at risk, tail value at risk and, for three, OEP at each level. [t/a]
GOLDEN = {
    "one_capped_site": {
        "mean": 17707.843979335896,
        "sd": 56046.02313190475,
        "var": (50527.925854605084, 101108.72925115118, 287190.9092289084, 449137.55544494104),
        "tvar": (143309.37302102766, 214957.96258419132, 428071.6244145814, 542142.6050208824),
        "oep": (47450.69148869645, 93837.83320266317, 270206.96301532286, 428330.7952949659),
    },
    "ten_sites": {
        "mean": 3862.033313459068,
        "sd": 5961.239539128404,
        "var": (10274.626057631835, 14929.860525063807, 27686.320351952236, 36238.564830001436),
        "tvar": (17738.88095897619, 23186.40433089117, 38120.94959921513, 48455.59360669015),
        "oep": (7747.236566016823, 11582.657195707054, 22867.575527195557, 30830.748166104895),
    },
    "hundred_sites": {
        "mean": 44373.89665258804,
        "sd": 24242.770696459385,
        "var": (74947.62891188855, 89102.8727574927, 123720.05490241908, 145920.38943934138),
        "tvar": (96355.20125608105, 111504.05198776032, 150881.76362653484, 177794.32783429493),
        "oep": (29592.205303336774, 38949.569447092654, 66602.85361040849, 87160.4159128401),
    },
    "negative_binomial": {
        "mean": 9892.32762420077,
        "sd": 11730.206566784347,
        "var": (24631.912629419236, 32837.743593186824, 52944.18897417327, 65360.16493732242),
        "tvar": (36932.53342262065, 45617.72463263064, 67425.46188445164, 81346.62534852429),
    },
    "regional_shocks": {
        "mean": 19271.704442800747,
        "sd": 24437.15377214539,
        "var": (42059.87160427318, 58188.09683254876, 110924.66277234563, 156576.9349938193),
        "tvar": (71784.3414767891, 94593.61803118834, 170438.53671770252, 232347.72145976644),
    },
}
# Ten sites: expected loss, and part of the tail value at risk at 99 %. [t/a]
TEN_MEANS = (
    347.40619233605634,
    516.6334337916144,
    139.8508912084259,
    696.5153704703835,
    35.47516933124341,
    299.30772377828225,
    605.3044113882171,
    341.85058966579703,
    845.1640223905993,
    34.52550909844824,
)
TEN_TAILS = (
    1168.0124016327875,
    7381.2477239746495,
    176.5623391527464,
    7615.609163838401,
    43.647211966699786,
    493.53221740786864,
    8887.41117278506,
    529.7953824981878,
    11786.533989588781,
    38.64943776760662,
)
# Hundred sites: the ten largest parts of that, by number of the site. [t/a]
HUNDRED_TAILS = {
    52: 29172.67629428657,
    18: 17385.751529301007,
    11: 12892.161729772983,
    23: 8630.404755743164,
    64: 5680.274490702538,
    76: 5458.482149868026,
    78: 4805.961675282867,
    93: 4670.580473984109,
    42: 3605.631278114702,
    30: 3429.8747057027076,
}


def site(name, daily):
    return MineSite(
        site_id=name, name=name, commodity="tin", country="COD", capacity_tpa=365.0 * daily
    )


def hazard(name, scope, rate_pa, duration, **more):
    return Hazard(
        hazard_id=name, peril=Peril.OTHER, scope=scope, rate_pa=rate_pa, duration=duration, **more
    )


def case(sites, hazards):
    return Case(
        name="golden", start=dt.date(2025, 1, 1), sites=tuple(sites), hazards=tuple(hazards)
    )


def bench(n_sites):
    k = np.arange(1, n_sites + 1)
    u, v, w = (k * (5**0.5 - 1) / 2) % 1, (k * 2**0.5) % 1, (k * 3**0.5) % 1
    sites, hazards = [], []
    for i in range(n_sites):
        sites.append(site(f"s{i:03d}", 10 ** (1 + 1.5 * v[i])))
        if i % 2 == 0:
            length = Duration.lognormal(median_days=10 + 20 * w[i], sigma=1.0)
        else:
            length = Duration.weibull(shape=0.8, scale_days=10 + 30 * w[i])
        scope = Scope.site(f"s{i:03d}")
        hazards.append(hazard(f"h{i:03d}", scope, 0.05 + 0.25 * u[i], length))
    return sites, hazards


def regional_shocks():
    sites, hazards = bench(30)
    for region, (rate, median) in enumerate([(0.1, 15.0), (0.05, 30.0), (0.02, 60.0)]):
        hit = tuple(f"s{i:03d}" for i in range(30) if i % 3 == region)
        scope = Scope.region(f"r{region}", site_ids=hit)
        length = Duration.lognormal(median_days=median, sigma=0.8)
        hazards.append(hazard(f"shock{region}", scope, rate, length))
    return case(sites, hazards)


def one_site(daily, rate_pa, duration, **more):
    return case([site("a", daily)], [hazard("h", Scope.site("a"), rate_pa, duration, **more)])


CASES = {
    "one_capped_site": one_site(
        1500.0, 0.3, Duration.lognormal(median_days=20, sigma=1.2, max_days=365)
    ),
    "ten_sites": case(*bench(10)),
    "hundred_sites": case(*bench(100)),
    "negative_binomial": one_site(
        100.0, 3.0, Duration.lognormal(median_days=20, sigma=1.0), rate_shape=2.0
    ),
    "regional_shocks": regional_shocks(),
}


@pytest.fixture(scope="module")
def exact():
    return {name: exact_losses(case) for name, case in CASES.items()}


@pytest.mark.parametrize("name", GOLDEN)
def test_moments_are_the_closed_forms(exact, name):
    assert exact[name].mean == pytest.approx(GOLDEN[name]["mean"], rel=1e-12)
    assert exact[name].sd == pytest.approx(GOLDEN[name]["sd"], rel=1e-12)


@pytest.mark.parametrize("name", GOLDEN)
def test_quantiles_and_tail_means(exact, name):
    found = exact[name]
    value = [found.value_at_risk(level) for level in LEVELS]
    tail = [found.tail_value_at_risk(level) for level in LEVELS]
    np.testing.assert_allclose(value, GOLDEN[name]["var"], rtol=5e-6)
    np.testing.assert_allclose(tail, GOLDEN[name]["tvar"], rtol=5e-6)


@pytest.mark.parametrize("name", [name for name in GOLDEN if "oep" in GOLDEN[name]])
def test_largest_events(exact, name):
    found = [exact[name].largest_loss_value_at_risk(level) for level in LEVELS]
    np.testing.assert_allclose(found, GOLDEN[name]["oep"], rtol=1e-11)


@pytest.mark.parametrize("name", GOLDEN)
def test_another_grid_stays_within_the_stated_error(exact, name):
    # The reference values are not known better than to 3e-6; the engine's own limit is.
    rough = exact[name]
    fine = exact_losses(CASES[name], largest_level=0.9995, tolerance=1e-8)
    assert rough.report.error < 2e-6
    for level in (*LEVELS, 0.999):
        for quantity in ("value_at_risk", "tail_value_at_risk"):
            known = getattr(fine, quantity)(level)
            either = rough.report.error + fine.report.error
            assert getattr(rough, quantity)(level) == pytest.approx(known, rel=either)


def test_parts_of_ten_sites(exact):
    found = exact["ten_sites"].contributions(0.99)
    np.testing.assert_allclose(found["expected_t"], TEN_MEANS, rtol=1e-12)
    # The reference's smallest part is off by 6e-5: its step is a hundredth of that site's events.
    np.testing.assert_allclose(found["tail_t"], TEN_TAILS, rtol=2e-6, atol=3e-3)
    tail = exact["ten_sites"].tail_value_at_risk(0.99)
    assert found["tail_t"].sum() == pytest.approx(tail, rel=1e-6)


def test_parts_of_hundred_sites(exact):
    found = exact["hundred_sites"].contributions(0.99)["tail_t"]
    known = list(HUNDRED_TAILS.values())
    np.testing.assert_allclose(found.iloc[list(HUNDRED_TAILS)], known, rtol=5e-6)
    tail = exact["hundred_sites"].tail_value_at_risk(0.99)
    assert found.sum() == pytest.approx(tail, rel=1e-6)
