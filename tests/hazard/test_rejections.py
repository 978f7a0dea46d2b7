"""What must never be taken for data, in one table: each refusal names field, rule and value."""

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

import supplyrisk as sr
from supplyrisk import hazard
from supplyrisk.model.evidence import Evidence

START = dt.date(2025, 3, 20)
LATER = dt.date(2025, 4, 9)
CONFLICT = sr.Hazard(
    hazard_id="conflict",
    peril=sr.Peril.ARMED_CONFLICT,
    scope=sr.Scope.site("mine"),
    rate_pa=0.15,
    duration=sr.Duration.fixed(days=30),
)
AT_EQUATOR = {"to_latitude_deg": 0.0, "to_longitude_deg": 0.0}
HINDSIGHT = "events after case.start used as history"


def site(**changes):
    fields = {"site_id": "mine", "name": "Mine", "commodity": "tin", "country": "COD"}
    return sr.MineSite(**fields, capacity_tpa=100.0, **changes)


def history(latitude=0.0, longitude=0.0, day=dt.date(2025, 3, 1)):
    return hazard.conflict_history(
        0.0,
        0.0,
        latitude_deg=[latitude],
        longitude_deg=[longitude],
        day=[day],
        fatalities=[0],
        as_of=START,
    )


def near(day):
    events = pd.DataFrame(
        {
            "event_date": pd.to_datetime([day]),
            "latitude": [0.0],
            "longitude": [0.0],
            "fatalities": [0],
            "geo_precision": [1],
            "time_precision": [1],
        }
    )
    return sr.data.conflict_near(
        events, site(latitude_deg=0.0, longitude_deg=0.0), as_of=START, strict=True
    )


def simulated(ratio):
    return hazard.simulate_hawkes(0.2, ratio, 0.1, 100.0, rng=np.random.default_rng(1))


def nowcast(day):
    seen = Evidence(evidence_id="late", date=day, kind="town_taken", statement="Seen.")
    return hazard.nowcast(CONFLICT, [seen], as_of=START)


LENGTHS = ("days must be finite numbers above 0",)
ENDED = ("days must hold at least 2 stops that have ended", "got 0")
RATIO = ("branching_ratio must be at least 0 and below 1",)
AGE = ("elapsed_days must be a finite number >= 0",)
POSITIVE = "must be a finite number > 0, got"

# (what is called, with what, what the message says)
REFUSED = {
    # Lengths that are none
    "a negative stop": (hazard.fit_duration, [[5.0, -3.0, 9.0]], (*LENGTHS, "-3.0")),
    "a stop of NaN days": (hazard.fit_duration, [[5.0, math.nan, 9.0]], (*LENGTHS, "nan")),
    "a stop of no days": (hazard.fit_duration, [[5.0, 0.0, 9.0]], (*LENGTHS, "0.0")),
    "a group's negative stop": (
        hazard.fit_groups,
        [[5.0, -3.0, 9.0], ["a", "b", "b"]],
        (*LENGTHS, "-3.0"),
    ),
    "a survivor's NaN": (hazard.kaplan_meier, [[math.nan, 2.0]], (*LENGTHS, "nan")),
    "a score of a negative stop": (
        hazard.log_score,
        [sr.Duration.exponential(mean_days=9), [-1.0]],
        (*LENGTHS, "-1.0"),
    ),
    "a fixed length below 0": (sr.Duration.fixed, {"days": -1.0}, ("days must", "-1.0")),
    "a median of NaN": (
        sr.Duration.lognormal,
        {"median_days": math.nan, "sigma": 1.0},
        ("median_days must", "nan"),
    ),
    "a mean below 0": (sr.Duration.exponential, {"mean_days": -2.0}, ("mean_days must", "-2.0")),
    "a scale of NaN": (
        sr.Duration.weibull,
        {"shape": 1.0, "scale_days": math.nan},
        ("scale_days must", "nan"),
    ),
    "an observed length below 0": (
        sr.Duration.empirical,
        {"days": (3.0, -2.0)},
        ("days", "must", "-2.0"),
    ),
    "a cap of NaN": (
        sr.Duration.exponential,
        {"mean_days": 2.0, "max_days": math.nan},
        ("max_days must", "nan"),
    ),
    "an age below 0": (
        lambda: hazard.residual_life(CONFLICT.duration, elapsed_days=-1.0),
        [],
        (*AGE, "got -1.0"),
    ),
    "an age of NaN": (
        lambda: hazard.residual_life(CONFLICT.duration, elapsed_days=math.nan),
        [],
        (*AGE, "got nan"),
    ),
    # Nothing has ended
    "all stops running": (hazard.fit_duration, [[5.0, 9.0], [True, True]], ENDED),
    "all stops of all groups running": (
        hazard.fit_groups,
        [[5.0, 9.0], ["a", "b"], [True, True]],
        ENDED,
    ),
    # Nothing was watched
    "no exposure": (hazard.fit_rate, [1, 0.0], (f"exposure_years {POSITIVE} 0.0",)),
    "exposure of NaN": (hazard.fit_rate, [1, math.nan], (f"exposure_years {POSITIVE} nan",)),
    "no exposure to split": (
        hazard.split_rate,
        [{"strike": 1}, 0.0],
        (f"exposure_years {POSITIVE} 0.0",),
    ),
    "no exposure of a group": (
        hazard.pool_rates,
        [{"tin": 1, "zinc": 2, "lead": 0}, {"tin": 9.0, "zinc": 0.0, "lead": 9.0}],
        (f"exposure_years['zinc'] {POSITIVE} 0.0",),
    ),
    # Events without end
    "one event for each": (simulated, [1.0], (*RATIO, "got 1.0")),
    "more than one for each": (simulated, [1.5], (*RATIO, "got 1.5")),
    "a process without end": (
        hazard.Hawkes,
        {"mu": 0.2, "branching_ratio": 1.0, "decay_pd": 0.1},
        (*RATIO, "got 1.0"),
    ),
    # Places off the map
    "a latitude beyond the pole": (
        lambda: hazard.great_circle_km(90.5, 0.0, **AT_EQUATOR),
        [],
        ("latitude_deg must lie in [-90, 90]", "90.5"),
    ),
    "a longitude beyond the date line": (
        lambda: hazard.great_circle_km(0.0, [0.0, -180.5], **AT_EQUATOR),
        [],
        ("longitude_deg must lie in [-180, 180], as 1 of 2 do not", "-180.5"),
    ),
    "an event at no latitude": (
        history,
        {"latitude": math.nan},
        ("latitude_deg must lie in [-90, 90]", "nan"),
    ),
    "an event at longitude 181": (
        history,
        {"longitude": 181.0},
        ("longitude_deg must lie in [-180, 180]", "181.0"),
    ),
    "a site off the map": (
        site,
        {"latitude_deg": 91.0, "longitude_deg": 0.0},
        ("latitude_deg must be a finite number >= -90 and <= 90", "91.0"),
    ),
    "a site of half a place": (
        site,
        {"latitude_deg": 1.0},
        ("latitude_deg and longitude_deg must be given together", "(1.0, None)"),
    ),
    # Hindsight
    "an event after the start": (
        history,
        {"day": LATER},
        ("day must be before as_of (2025-03-20)", HINDSIGHT, "2025-04-09"),
    ),
    "an event on the start": (history, {"day": START}, (HINDSIGHT, "2025-03-20")),
    "a row after the start": (
        near,
        [LATER],
        ("column event_date must be before as_of (2025-03-20)", HINDSIGHT, "2025-04-09"),
    ),
    "evidence after the start": (
        nowcast,
        [LATER],
        ("evidence.late.date must not be after as_of (2025-03-20)", HINDSIGHT, "2025-04-09"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_field_rule_and_value(name):
    called, arguments, parts = REFUSED[name]
    with pytest.raises(ValueError, match=r"must .*, got ") as caught:
        called(**arguments) if isinstance(arguments, dict) else called(*arguments)
    assert all(part in str(caught.value) for part in parts), str(caught.value)
