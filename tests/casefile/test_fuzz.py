"""Whatever is done to the bundled case: reading it gives a case, or an error with its faults."""

import copy
import datetime as dt
import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.casefile import case_text
from supplyrisk.casefile.read import read_case, read_outcome

SEEDS = Path(__file__).parents[2] / "seeds"
FIELDS = ["site_id", "sites", "scope", "site", "kind", "spot", "parts", "weight", "", "a.b", "__a"]
FIELDS += ["routes", "smelter", "market", "to_id", "effect", "perils", "indexed"]

leaves = st.one_of(
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.sampled_from([0, 1, 2**63, 10**400, 1e308, 5e-324, -1.0, float("nan"), float("inf")]),
    st.floats(),
    st.sampled_from(["", " ", "bisie", "tin", "COD", "cod", "Congo", "strike", "reported", "*"]),
    st.sampled_from(["linear", "steps", "2025-03-20", "sites.bisie", "sites..", ".", "__class__"]),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(dt.UTC)),
    st.times(),
)
keys = st.sampled_from(FIELDS) | st.text(st.characters(codec="utf-8"), max_size=6)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=8,
)


def parsed(file):
    return tomllib.loads((SEEDS / file).read_text(encoding="utf-8"))


def thinned(table):
    """Return the bundled case with some parts of each kind only, so that it reads fast."""
    wanted = {"bisie", "cod-remainder", "man-maw", "idn-remainder", "san-rafael", "mys-remainder"}
    wanted |= {"kivu-conflict", "idn-export-regime", "bisie-other"}
    thin = dict(table)
    thin["sites"] = [row for row in table["sites"] if row["site_id"] in wanted]
    thin["hazards"] = [row for row in table["hazards"] if row["hazard_id"] in wanted]
    thin["citations"] = [
        row
        for row in table["citations"]
        if row["path"].split(".")[0] in {"markets", "events", "exposures"}
        or row["path"].split(".")[1] in wanted
    ]
    return thin


# The bundled case, and what it lacks: mixtures, steps of a length that is not known, a fixed
# price, an event that is over.
CASE = thinned(parsed("walikale-2025.toml"))
CASE["hazards"][-1]["duration"] = {
    "mixture": {
        "parts": [
            {"weight": 0.5, "weibull": {"shape": 0.5, "scale_days": 9}},
            {"weight": 0.5, "empirical": {"days": [1, 2.5]}},
        ]
    }
}
CASE["hazards"][-1]["ramp_up"] = {"shape": "steps", "ramp_days": 30, "levels": [1, 0.5]}
CASE["hazards"][-1]["ramp_up"]["ramp_sigma"] = 0.9
CASE["hazards"][-1]["severity"] = [[0.7, 1.0], [0.3, 0.5]]
CASE["hazards"][-1] |= {"rate_group": "g", "rate_shape": 2}
CASE["exposures"][-1]["price_terms"] = {"fixed": {"price_usd_per_t": 30_000}}
CASE["events"].append(
    {
        "event_id": "over",
        "peril": "strike",
        "scope": {"country": "COD"},
        "started": dt.date(2024, 1, 1),
        "ended": dt.date(2024, 2, 1),
    }
)
CASE["hazards"][0] |= {"effect": "export", "physical_damage": True}
CASE["sites"][0]["makeup_share"] = 0.5
CASE["markets"][0] |= {"recycled_tpa": 1_000, "restocking_days": 30}
CASE["routes"] = [
    {"route_id": "road", "from_id": "bisie", "to_id": "msc", "transit_days": 45, "share": 0.9},
    {"route_id": "sea", "from_id": "msc", "to_id": "tin", "transit_days": 20},
]
CASE["smelters"] = [
    {
        "smelter_id": "msc",
        "name": "MSC",
        "commodity": "tin",
        "country": "MYS",
        "capacity_tpa": 40_000,
        "psi": 0.9,
    }
]
CASE["policies"] = [
    {
        "policy_id": "cbi",
        "name": "CBI",
        "insured": CASE["exposures"][0]["buyer_id"],
        "kind": "contingent",
        "perils": ["strike"],
        "waiting_in": "average_daily_value",
        "daily_value_usd": 5,
        "suppliers": ["bisie"],
    }
]
CASE["exposures"].append(
    {
        "buyer_id": "smith",
        "name": "Smith",
        "commodity": "tin",
        "demand_tpa": 10,
        "sources": [
            {"scope": {"market": "tin"}, "share": 0.5},
            {"scope": {"smelter": "msc"}, "share": 0.5},
        ],
        "price_terms": {"indexed": {"lag_days": 30, "floor_usd_per_t": 1, "cap_usd_per_t": 2}},
        "product": "solder",
    }
)
CASE["hazards"].append(
    {
        "hazard_id": "closed",
        "peril": "logistics",
        "scope": {"route": "road"},
        "rate_pa": 0.1,
        "duration": {"fixed": {"days": 9}},
    }
)
OUTCOME = parsed("outcomes/walikale-2025.toml")


def dumped(value, *, top=False):
    """Return a structure as TOML; everything below the top is written inline."""
    if isinstance(value, dict):
        pairs = [f"{dumped(key)} = {dumped(held)}" for key, held in value.items()]
        return "\n".join(pairs) if top else f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(dumped(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return hex(value) if isinstance(value, int) and value > 10**300 else repr(value)


def places(value, path=()):
    """Yield the path of everything below the top of a structure."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, held in items:
        yield (*path, key)
        if isinstance(held, dict | list):
            yield from places(held, (*path, key))


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def mutated(tree, path, how, value, key):
    """Do one thing to a structure; a place that is gone already is left alone."""
    try:
        holder, last = at(tree, path[:-1]), path[-1]
        held = holder[last]
    except (KeyError, IndexError, TypeError):
        return
    if how == "replace":
        holder[last] = value
    elif how == "delete":
        del holder[last]
    elif how == "add" and isinstance(held, dict):
        held[key] = value
    elif how == "add" and isinstance(held, list):
        held.append(value)
    elif how == "twice" and isinstance(holder, list):
        holder.append(copy.deepcopy(held))
    elif how == "rename" and isinstance(holder, dict):
        holder[key] = holder.pop(last)
    elif how == "wrap":
        holder[last] = [held] if isinstance(value, list) else {key: held}
    elif how == "empty" and isinstance(held, dict | list | str):
        holder[last] = type(held)()


def mutations(tree):
    return st.lists(
        st.tuples(
            st.sampled_from(list(places(tree))),
            st.sampled_from(["replace", "delete", "add", "twice", "rename", "wrap", "empty"]),
            trees,
            keys,
        ),
        min_size=1,
        max_size=4,
    )


def read_or_refused(read, tree):
    """Return what was read, or None where it was refused; nothing else may come of it."""
    text = dumped(tree, top=True)
    try:
        return read("x", text)
    except sr.InvalidInputError as error:
        refused = error
    assert refused.faults
    assert all(isinstance(fault.field, str) and fault.field for fault in refused.faults)
    assert len(str(refused).splitlines()) <= 52
    return None


def test_the_dumper_of_these_tests_is_sound():
    for tree in (CASE, OUTCOME):
        assert tomllib.loads(dumped(tree, top=True)) == tree
    assert isinstance(read_or_refused(read_case, CASE), sr.Case)
    assert isinstance(read_or_refused(read_outcome, OUTCOME), sr.Outcome)


fuzz = settings(
    max_examples=settings.default.max_examples * 3,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@fuzz
@given(mutations(CASE))
def test_a_mutated_case_is_a_case_or_an_error_with_its_faults(steps):
    tree = copy.deepcopy(CASE)
    for path, how, value, key in steps:
        mutated(tree, path, how, value, key)
    case = read_or_refused(read_case, tree)
    if case is not None:
        assert read_case("x", case_text(case)) == case
        assert len(case.digest) == 64
        assert hash(case) == hash(read_case("x", case_text(case)))


@fuzz
@given(mutations(OUTCOME))
def test_a_mutated_outcome_is_an_outcome_or_an_error_with_its_faults(steps):
    tree = copy.deepcopy(OUTCOME)
    for path, how, value, key in steps:
        mutated(tree, path, how, value, key)
    outcome = read_or_refused(read_outcome, tree)
    if outcome is not None:
        assert hash(outcome) == hash(copy.deepcopy(outcome))


@pytest.mark.parametrize("how", ["delete", "empty", "twice"])
def test_every_single_loss_and_repetition(how):
    seen = set()
    for path in places(CASE):
        shape = tuple("*" if isinstance(key, int) else key for key in path)
        if shape in seen:
            continue
        seen.add(shape)
        tree = copy.deepcopy(CASE)
        mutated(tree, path, how, None, "a")
        read_or_refused(read_case, tree)
    assert len(seen) > 100


@given(st.text(st.characters(codec="utf-8")))
def test_any_text_is_refused_with_its_faults(text):
    with pytest.raises(sr.InvalidInputError):
        read_case("x", text)


@given(st.binary())
def test_any_file_is_refused_with_its_faults(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "case.toml"
    path.write_bytes(data)
    with pytest.raises(sr.InvalidInputError):
        sr.load_case(path)


@given(st.integers(0, 10**6), st.integers(1, 40))
def test_a_file_cut_short_or_with_a_hole_is_refused_or_read(place, length):
    text = dumped(CASE, top=True)
    place %= len(text)
    for damaged in (text[:place], text[:place] + text[place + length :]):
        assume(damaged != text)
        try:
            read_case("x", damaged)
        except sr.InvalidInputError as error:
            refused = error
        else:
            continue
        assert refused.faults
