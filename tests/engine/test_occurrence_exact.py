"""The occurrence basis against exact values of compound sums."""

import math
import runpy
from pathlib import Path

import numpy as np
import pytest

from supplyrisk.engine import occurrence
from supplyrisk.model.case import Case
from supplyrisk.model.duration import Duration
from supplyrisk.model.hazard import Scope

YEARS = runpy.run_path(str(Path(__file__).with_name("occurrence_book.py")))
portfolio, site, hazard = (YEARS[name] for name in ("portfolio", "site", "hazard"))
START, book_of, years, weighed = (YEARS[name] for name in ("START", "book_of", "years", "weighed"))
LEVELS = (0.90, 0.95, 0.99, 0.996)

# --- Exact values ---------------------------------------------------------------------------

# golden/compound_losses.json beside the design: by FFT of the compound sums, step halved; the
# largest events in closed form. Mean, sd; then by level VaR, TVaR and, where given, OEP.
CASES = {
    "G1": (
        Case(
            name="g1",
            start=START,
            sites=(site("a", 1500.0),),
            hazards=(
                hazard(
                    "h",
                    Scope.site("a"),
                    0.3,
                    Duration.lognormal(median_days=20, sigma=1.2, max_days=365),
                ),
            ),
        ),
        (17707.843979335896, 56046.02313190475),
        (50527.925854605084, 101108.72925115118, 287190.9092289084, 449137.55544494104),
        (143309.37302102766, 214957.96258419132, 428071.6244145814, 542142.6050208824),
        (47450.69148869645, 93837.83320266317, 270206.96301532286, 428330.7952949659),
    ),
    "G2": (
        portfolio(10),
        (3862.033313459068, 5961.239539128404),
        (10274.626057631835, 14929.860525063807, 27686.320351952236, 36238.564830001436),
        (17738.88095897619, 23186.40433089117, 38120.94959921513, 48455.59360669015),
        (7747.236566016823, 11582.657195707054, 22867.575527195557, 30830.748166104895),
    ),
    "G3": (
        portfolio(100),
        (44373.89665258804, 24242.770696459385),
        (74947.62891188855, 89102.8727574927, 123720.05490241908, 145920.38943934138),
        (96355.20125608105, 111504.05198776032, 150881.76362653484, 177794.32783429493),
        (29592.205303336774, 38949.569447092654, 66602.85361040849, 87160.4159128401),
    ),
    "G5": (  # negative binomial counts
        Case(
            name="g5",
            start=START,
            sites=(site("a", 100.0),),
            hazards=(
                hazard(
                    "h",
                    Scope.site("a"),
                    3.0,
                    Duration.lognormal(median_days=20, sigma=1.0),
                    rate_shape=2.0,
                ),
            ),
        ),
        (9892.32762420077, 11730.206566784347),
        (24631.912629419236, 32837.743593186824, 52944.18897417327, 65360.16493732242),
        (36932.53342262065, 45617.72463263064, 67425.46188445164, 81346.62534852429),
        None,
    ),
    "G7": (  # thirty sites, and shocks that stop every third of them for one length
        portfolio(
            30,
            hazards=tuple(
                hazard(
                    f"shock{r}",
                    Scope.region(f"r{r}", site_ids=tuple(f"s{k:05d}" for k in range(r + 1, 31, 3))),
                    rate,
                    Duration.lognormal(median_days=median, sigma=0.8),
                )
                for r, (rate, median) in enumerate(((0.1, 15.0), (0.05, 30.0), (0.02, 60.0)))
            ),
        ),
        (19271.704442800747, 24437.15377214539),
        (42059.87160427318, 58188.09683254876, 110924.66277234563, 156576.9349938193),
        (71784.3414767891, 94593.61803118834, 170438.53671770252, 232347.72145976644),
        None,
    ),
}
N_YEARS = 300_000
# Means and parts of the tail mean at 99 % of the ten sites of G2, from the same file.
SITE_MEANS = (
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
SITE_TAILS = (
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


def z_of_mean(values, expected):
    return (values.mean() - expected) / (values.std() / math.sqrt(len(values)))


@pytest.mark.parametrize("name", CASES)
def test_exact_values_of_compound_sums(name):
    case, (mean, sd), at_risk, tails, largest = CASES[name]
    lost = years(book_of(case), N_YEARS)
    scores = {
        "mean": z_of_mean(lost.lost_t, mean),
        "sd": z_of_mean((lost.lost_t - mean) ** 2, sd**2),
    }
    for level, value, tail in zip(LEVELS, at_risk, tails, strict=True):
        below = (lost.lost_t <= value).mean()
        scores[f"VaR {level}"] = (below - level) / math.sqrt(level * (1 - level) / N_YEARS)
        beyond = np.maximum(lost.lost_t - value, 0.0) / (1.0 - level)
        scores[f"TVaR {level}"] = z_of_mean(beyond, tail - value)
    for level, value in zip(LEVELS, largest or (), strict=largest is not None):
        below = (lost.largest_loss_t <= value).mean()
        scores[f"OEP {level}"] = (below - level) / math.sqrt(level * (1 - level) / N_YEARS)
    assert {key: z for key, z in scores.items() if abs(z) >= 4.0} == {}


def test_exact_means_and_tail_parts_of_sites():
    case, _, at_risk, _, _ = CASES["G2"]
    n, size = 100_000, occurrence.BLOCK_YEARS
    book = book_of(case)
    lost = years(book, n)
    total, square = lost.sums["site"]
    mean = total / n
    reach = np.sqrt((square / n - mean**2) / n)
    assert (np.abs(mean - SITE_MEANS) < 4.0 * reach).all()
    beyond = lost.lost_t > at_risk[2]
    weights = beyond / (n * 0.01)
    parts, square = np.zeros(10), np.zeros(10)
    for block in range(n // size):
        mine = slice(block * size, (block + 1) * size)
        parts += weighed(book, block, weights[mine])["site"].total_t
        rows = occurrence.event_rows(book, block, beyond[mine])
        cell = np.bincount(rows.scenario * 10 + rows.site, rows.lost_t, minlength=size * 10)
        square += (cell.reshape(size, 10) ** 2).sum(axis=0)
    reach = np.sqrt(square / n / 0.01**2 - parts**2) / math.sqrt(n)
    assert (np.abs(parts - SITE_TAILS) < 4.0 * reach).all()
    assert parts.sum() == pytest.approx(weights @ lost.lost_t, rel=1e-12)
