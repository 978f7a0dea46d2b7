"""Writing a case and reading it again: equal in every bit, whole or not at all."""

import datetime as dt
import stat
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import supplyrisk as sr
from supplyrisk.casefile import case_text
from supplyrisk.casefile.read import read_case

START = dt.date(2025, 3, 20)
NAMES = [f"p{i}" for i in range(4)]
SMELTERS = ["s0", "s1"]

# Text of every kind a file can hold, with what TOML, shells and editors stumble over.
nasty = st.sampled_from(
    [
        *(
            '"',
            "'",
            '"""',
            "'''",
            "\\",
            "\\n",
            "\n",
            "\r\n",
            "\t",
            "\x00",
            "\x1b[2J",
            "\x7f",
            "\x85",
        ),
        *("\u2028", "\ufeff", "\u202eabc", "#", "[[sites]]", "= 1", "Mineração", "锡", "🙂", "é"),
    ]
)
words = st.lists(nasty | st.text(st.characters(codec="utf-8"), max_size=8), max_size=4).map("".join)
text = words.filter(str.strip)
identifiers = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
commodities = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
numbers = {"allow_nan": False, "allow_infinity": False}
real = st.floats(**numbers) | st.integers(-(10**30), 10**30)
positive = st.floats(min_value=5e-324, **numbers) | st.integers(1, 10**300)
least_0 = st.just(-0.0) | st.just(0) | positive
fraction = st.floats(0.0, 1.0) | st.sampled_from([0, 1, np.float64(0.1), np.float32(0.1)])
whole = st.integers(1, 10**15) | st.just(np.int64(7))
dates = st.dates(dt.date(1, 1, 1), START)
slow = st.floats(min_value=24.0, **numbers) | st.integers(24, 10**300)
flowing = st.floats(5e-324, 1e300) | st.integers(1, 10**300)
ample = st.floats(1e302, 1.7e308) | st.just(10**303)
maybe = st.none


def caps():
    return maybe() | positive


simple_durations = st.one_of(
    st.builds(sr.Duration.lognormal, median_days=positive, sigma=positive, max_days=caps()),
    st.builds(sr.Duration.weibull, shape=positive, scale_days=positive, max_days=caps()),
    st.builds(sr.Duration.exponential, mean_days=positive, max_days=caps()),
    st.builds(sr.Duration.fixed, days=least_0, max_days=caps()),
    st.builds(
        sr.Duration.empirical,
        days=st.lists(least_0, min_size=1, max_size=4).map(tuple),
        max_days=caps(),
    ),
)


def mixtures(inner):
    weights = st.sampled_from([(1,), (0.25, 0.75), (0.1, 0.2, 0.7), (1 / 3, 1 / 3, 1 / 3)])
    return st.builds(
        lambda weight, parts, cap: sr.Duration.mixture(
            tuple(zip(weight, parts, strict=False)), max_days=cap
        ),
        weights,
        st.tuples(inner, inner, inner),
        caps(),
    )


durations = st.recursive(simple_durations, mixtures, max_leaves=6)
severities = st.builds(
    lambda weights, levels: tuple(zip(weights, levels, strict=False)),
    st.sampled_from([(1,), (0.7, 0.3), (0.1, 0.2, 0.7), (1 / 3, 1 / 3, 1 / 3)]),
    st.tuples(fraction, fraction, fraction),
)
ramps = st.one_of(
    st.builds(
        sr.RampUp,
        shape=st.sampled_from(["linear", "s_curve", "exponential"]),
        ramp_days=positive,
        ramp_sigma=st.floats(0.0, 3.0) | st.sampled_from([0, 3, np.float32(0.1)]),
        max_share_of_outage=maybe() | least_0,
    ),
    st.builds(
        sr.RampUp,
        shape=st.sampled_from(["linear", "s_curve", "exponential", "never"]),
        ramp_days=least_0,
        max_share_of_outage=maybe() | least_0,
    ),
    st.builds(
        sr.RampUp,
        shape=st.just("steps"),
        ramp_days=least_0,
        levels=st.lists(fraction, min_size=1, max_size=3).map(
            lambda x: tuple(sorted(x, reverse=True))
        ),
    ),
)
scopes = st.one_of(
    st.sampled_from(NAMES[:1]).map(sr.Scope.site),
    st.just(sr.Scope.country("COD")),
    st.builds(
        lambda name: sr.Scope.region(name, site_ids=(NAMES[0],)),
        identifiers,
    ),
)
effects = st.sampled_from(["output", "export", "assurance", "tax"])
perils = st.sampled_from([*sr.Peril, "strike"])


@st.composite
def sites(draw, name):
    position = draw(
        st.sampled_from([(None, None), (-90, 180), (-1.0333333333333334, 27.7), (0, -0.0)])
    )
    return sr.MineSite(
        site_id=name,
        name=draw(text),
        commodity="tin",
        country="COD" if name == NAMES[0] else draw(st.sampled_from(["AUS", "ZZZ", "NAM", "NOR"])),
        capacity_tpa=draw(flowing),
        utilisation=draw(fraction),
        latitude_deg=position[0],
        longitude_deg=position[1],
        operator=draw(maybe() | text),
        n_units=draw(whole),
        annual_cap_days=draw(maybe() | positive),
        makeup_share=draw(fraction),
    )


def hit(draw, places):
    """Draw what is hit and how: a route can only be closed."""
    scope = draw(scopes | places)
    return {
        "scope": scope,
        "effect": "output" if scope.kind == "route" else draw(effects),
        "physical_damage": draw(st.booleans()),
    }


@st.composite
def hazards(draw, name, places):
    group = draw(maybe() | st.just(name))
    return sr.Hazard(
        hazard_id=name,
        peril=draw(perils),
        rate_pa=draw(least_0),
        duration=draw(durations),
        severity=draw(fraction | severities),
        ramp_up=draw(ramps),
        rate_shape=draw(positive) if group else draw(maybe() | positive),
        rate_group=group,
        hit_probability=draw(fraction),
        shared_duration=draw(st.booleans()),
        **hit(draw, places),
    )


@st.composite
def events(draw, name, places):
    common = {
        "event_id": name,
        "peril": draw(perils),
        "severity": draw(fraction),
        "ramp_up": draw(ramps),
        **hit(draw, places),
    }
    when = draw(st.sampled_from(["over", "ongoing", "to come"]))
    if when == "over":
        started, ended = sorted([draw(dates), draw(dates)])
        return sr.DisruptionEvent(**common, started=started, ended=ended)
    if when == "ongoing":
        long = sr.Duration.lognormal(median_days=draw(positive), sigma=draw(positive))
        started = draw(dates)
        announced = draw(maybe() | st.dates(dt.date(1, 1, 1), started))
        return sr.DisruptionEvent(**common, started=started, announced=announced, duration=long)
    return sr.DisruptionEvent(
        **common,
        started=draw(st.dates(START + dt.timedelta(days=1))),
        announced=draw(dates),
        duration=draw(durations),
        probability=draw(fraction),
    )


@st.composite
def markets(draw):
    first, last = sorted([draw(dates), draw(dates)])
    quote = draw(maybe() | positive)
    published = draw(st.booleans())
    supply = draw(positive)
    return sr.Market(
        commodity="tin",
        price_usd_per_t=draw(positive),
        price_date=first,
        supply_tpa=supply,
        demand_tpa=draw(positive),
        last_quote_usd_per_t=quote,
        last_quote_date=None if quote is None else last,
        elasticity_demand=-draw(positive) if published else None,
        elasticity_supply=draw(least_0) if published else None,
        elasticity_sum_median=draw(positive),
        elasticity_sum_sigma=draw(least_0),
        volatility_pa=draw(least_0),
        stock_t=draw(least_0),
        choke_price_ratio=draw(st.floats(1.1, 1e300) | st.just(4)),
        recycled_tpa=draw(st.sampled_from([0, supply, min(supply, 5)])),
        restocking_days=draw(slow),
        supply_lag_days=draw(positive),
        most_extra_share=draw(least_0),
    )


@st.composite
def price_terms(draw):
    kind = draw(st.sampled_from(["spot", "indexed", "fixed", "in euros"]))
    if kind == "fixed":
        return sr.PriceTerms.fixed(price_usd_per_t=draw(positive))
    if kind == "in euros":
        rate = draw(positive.filter(lambda rate: rate != 1))
        price = draw(positive)
        return sr.PriceTerms.fixed(price_usd_per_t=price, currency="EUR", usd_per_unit=rate)
    floor, cap = sorted([draw(positive), draw(positive)])
    bounds = {
        "premium_usd_per_t": draw(real),
        "floor_usd_per_t": draw(maybe() | st.just(floor)),
        "cap_usd_per_t": draw(maybe() | st.just(cap)),
    }
    if kind == "spot":
        return sr.PriceTerms.spot(**bounds)
    return sr.PriceTerms.indexed(averaging_days=draw(positive), lag_days=draw(least_0), **bounds)


@st.composite
def buyers(draw, name, places):
    shares = draw(st.sampled_from([(), (1,), (0.1, 0.2), (0.7, 0.2, 0.1)]))
    return sr.CommodityExposure(
        buyer_id=name,
        name=draw(text),
        commodity="tin",
        demand_tpa=draw(positive),
        sources=tuple(sr.Supply(scope=draw(scopes | places), share=share) for share in shares),
        inventory_days=draw(least_0),
        price_terms=draw(price_terms()),
        hedged_share=draw(fraction),
        margin_usd_per_t=draw(least_0),
        priority=draw(whole),
        illustrative=draw(st.booleans()),
        restocking_days=draw(slow),
        alternative_limit=draw(fraction),
        qualification_days=draw(least_0),
        needs_assurance=draw(st.booleans()),
        hedge_days=draw(maybe() | positive),
        penalty_usd_per_t=draw(least_0),
        # One of its own: inputs of one product differ in their metal, and here all buy tin.
        product=draw(maybe() | text.map(lambda one: f"{name} {one}")),
        budget_usd_per_t=draw(maybe() | positive),
    )


@st.composite
def policies(draw, name, kinds):
    kind = draw(st.sampled_from(kinds))
    return sr.Policy(
        policy_id=name,
        name=draw(text),
        insured=NAMES[0],  # a site and a buyer bear this name
        kind=kind,
        perils=tuple(draw(st.lists(perils, max_size=3, unique=True))),
        damage_only=draw(st.booleans()),
        waiting_days=draw(least_0),
        waiting_in=draw(st.sampled_from(["days", "average_daily_value"])),
        indemnity_days=draw(positive),
        daily_value_usd=draw(positive),
        limit_usd=draw(maybe() | positive),
        annual_limit_usd=draw(maybe() | positive),
        attachment_usd=draw(least_0),
        premium_usd=draw(maybe() | least_0),
        suppliers=(NAMES[0],) if kind == "contingent" else (),
    )


@st.composite
def smelters(draw, name):
    psi = draw(st.sampled_from([0.1, 0.8, 1, np.float32(0.5)]))
    return sr.Smelter(
        smelter_id=name,
        name=draw(text),
        commodity="tin",
        country=draw(st.sampled_from(["MYS", "IDN", "ZZZ", "NAM"])),
        capacity_tpa=draw(ample),
        feed_days=draw(st.floats(50.0, 1e300) | st.just(50)),
        psi=psi,
        metal_yield=draw(st.sampled_from([0.97, 1, 5e-324, np.float64(0.1)])),
        alternative_share=draw(fraction),
        alternative_lag_days=draw(least_0),
        **draw(st.sampled_from([{}, {"latitude_deg": -0.0, "longitude_deg": 101.6}])),
    )


@st.composite
def routes(draw, origins, ends):
    """Draw the routes of a chain in which the first site feeds every smelter."""
    days = st.just(0) | st.floats(5.0, 1e300) | st.just(10**9)
    pairs = [(NAMES[0], name, 0.25) for name in ends if name in SMELTERS]
    for _ in range(draw(st.integers(not pairs, 3))):
        origin, end = draw(st.sampled_from(origins)), draw(st.sampled_from(ends))
        if origin != end and not {origin, end} <= set(SMELTERS):
            pairs.append((origin, end, draw(st.sampled_from([0, 0.1, 1 / 6, np.float32(0.1)]))))
    return tuple(
        sr.Route(
            route_id=f"r{place}",
            from_id=origin,
            to_id=end,
            transit_days=draw(days),
            share=share,
            capacity_tpa=draw(maybe() | ample),
        )
        for place, (origin, end, share) in enumerate(pairs)
    )


def source(name):
    return st.builds(
        sr.Source,
        source_id=st.just(name),
        publisher=text,
        title=text,
        licence=text,
        url=maybe() | words.map("https://{}".format),
        published=maybe() | st.dates(),
    )


def some(part, draw, *more):
    """Draw up to three parts, each with a name of its own."""
    return tuple(draw(part(name, *more)) for name in NAMES[: draw(st.integers(0, 3))])


def chain(draw, mines):
    """Draw the routes and smelters of a case, with the steps that resolve them; or none."""
    if draw(st.booleans()):
        return {"horizon_days": draw(whole), "step_days": draw(whole)}
    works = SMELTERS[: draw(st.integers(0, 2))]
    step = draw(st.sampled_from([1, 2, 5, np.int8(5)]))
    origins = [mine.site_id for mine in mines] + works
    return {
        "horizon_days": int(step) * draw(st.integers(1, 10**9)),
        "step_days": step,
        "smelters": tuple(draw(smelters(name)) for name in works),
        "routes": draw(routes(origins, [*works, "tin"])),
    }


@st.composite
def cases(draw):
    mines = (
        draw(sites(NAMES[0])),
        *(draw(sites(name)) for name in NAMES[1 : draw(st.integers(1, 3))]),
    )
    links = chain(draw, mines)
    places = [sr.Scope.smelter(part.smelter_id) for part in links.get("smelters", ())]
    roads = [sr.Scope.route(part.route_id) for part in links.get("routes", ())]
    reach = st.sampled_from([*places, *roads]) if places or roads else scopes
    mishaps = some(hazards, draw, reach)
    customers = some(buyers, draw, st.sampled_from([sr.Scope.market("tin"), *places]))
    kinds = ["business_interruption", *(["contingent"] if customers else [])]
    sources = (draw(source(NAMES[0])), *(draw(source(name)) for name in NAMES[1:2]))
    paths = st.sampled_from(["sites", f"sites.{NAMES[0]}", f"sites.{NAMES[0]}.name", "markets.tin"])
    standings = ["reported", "derived", "estimate", "assumption", "illustrative"]
    return sr.Case(
        name=draw(identifiers),
        start=START,
        commodity=draw(maybe() | st.just("tin")),
        sites=mines,
        hazards=mishaps,
        events=some(events, draw, reach),
        markets=(draw(markets()),),
        exposures=customers,
        policies=some(policies, draw, kinds),
        sources=sources,
        citations=tuple(
            sr.Citation(
                path=draw(paths),
                source_id=NAMES[0],
                standing=draw(st.sampled_from(standings)),
                note=draw(words),
            )
            for _ in range(draw(st.integers(0, 2)))
        ),
        evidence=tuple(
            sr.Evidence(
                evidence_id=name,
                date=draw(dates),
                kind=draw(identifiers),
                statement=draw(text),
                hazard_id=NAMES[0] if mishaps and draw(st.booleans()) else None,
                source_id=draw(maybe() | st.just(NAMES[0])),
            )
            for name in NAMES[: draw(st.integers(0, 2))]
        ),
        not_quantified=tuple(draw(st.lists(text, max_size=2))),
        **links,
    )


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(cases())
def test_reading_what_was_written_gives_the_same_case(case):
    again = read_case("x", case_text(case))
    assert again == case
    assert again.digest == case.digest
    assert case_text(again) == case_text(case)
    assert hash(again) == hash(case)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases())
def test_a_saved_case_is_loaded_as_it_was(tmp_path, case):
    path = sr.save_case(case, tmp_path / "case.toml")
    assert path == tmp_path / "case.toml"
    assert sr.load_case(path) == case
    assert [file.name for file in tmp_path.iterdir()] == ["case.toml"]


@given(st.floats(min_value=5e-324, **numbers), words.filter(str.strip))
def test_every_number_and_every_text_is_kept_to_the_last_bit(number, words):
    site = sr.MineSite(site_id="a", name=words, commodity="tin", country="COD", capacity_tpa=number)
    case = sr.Case(name="x", start=START, sites=(site,))
    again = read_case("x", case_text(case)).sites[0]
    assert again.capacity_tpa.hex() == float(number).hex()
    assert again.name == words


@pytest.mark.parametrize(
    "number", [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3, 1e22, 1e16, 123]
)
def test_extreme_numbers_are_written_exactly(number):
    case = sr.Case(name="x", start=START, not_quantified=())
    case = case.with_values({"markets": (_market(volatility_pa=number),)})
    again = read_case("x", case_text(case)).markets[0].volatility_pa
    assert again == number
    assert type(again) is type(number)


def _market(**fields):
    return sr.Market(
        **{
            "commodity": "tin",
            "price_usd_per_t": 1,
            "price_date": START,
            "supply_tpa": 1,
            "demand_tpa": 1,
            "volatility_pa": 0,
            **fields,
        }
    )


def test_numpy_scalars_are_written_as_plain_numbers():
    fields = {
        "volatility_pa": np.float64(0.1),
        "stock_t": np.float32(0.1),
        "supply_tpa": np.int16(3),
    }
    text = case_text(sr.Case(name="x", start=START, markets=(_market(**fields),)))
    assert "np." not in text
    (row,) = tomllib.loads(text)["markets"]
    assert row["volatility_pa"] == 0.1
    assert row["stock_t"] == float(np.float32(0.1))
    assert row["supply_tpa"] == 3


def test_defaults_are_left_out():
    text = case_text(sr.Case(name="x", start=START, markets=(_market(),)))
    assert text.splitlines() == [
        'name = "x"',
        "start = 2025-03-20",
        "",
        "[[markets]]",
        'commodity = "tin"',
        "price_usd_per_t = 1",
        "price_date = 2025-03-20",
        "supply_tpa = 1",
        "demand_tpa = 1",
        "volatility_pa = 0",
    ]


def test_the_bundled_case_makes_the_round_trip(tmp_path):
    case = sr.load_case("walikale-2025")
    again = sr.load_case(str(sr.save_case(case, str(tmp_path / "copy.toml"))))
    assert again == case
    assert again.digest == case.digest


def test_a_chain_is_written_in_few_words():
    site = sr.MineSite(site_id="a", name="A", commodity="tin", country="COD", capacity_tpa=10)
    buyer = sr.CommodityExposure(
        buyer_id="b",
        name="B",
        commodity="tin",
        demand_tpa=1,
        price_terms=sr.PriceTerms.indexed(cap_usd_per_t=40_000),
        sources=(sr.Supply(scope=sr.Scope.market("tin"), share=0.5),),
    )
    case = sr.Case(
        name="x",
        start=START,
        sites=(site,),
        routes=(sr.Route(route_id="r", from_id="a", to_id="b", transit_days=9),),
        markets=(_market(),),
        exposures=(buyer,),
        policies=(
            sr.Policy(
                policy_id="p",
                name="P",
                insured="b",
                kind="contingent",
                perils=(sr.Peril.STRIKE, "accident"),
                daily_value_usd=5,
                suppliers=("a",),
            ),
        ),
    )
    text = case_text(case)
    assert read_case("x", text) == case
    tables = text.split("\n\n")
    assert tables[2].splitlines() == [
        "[[routes]]",
        'route_id = "r"',
        'from_id = "a"',
        'to_id = "b"',
        "transit_days = 9",
    ]
    assert tables[4].splitlines()[5:] == [
        'sources = [{ scope = { market = "tin" }, share = 0.5 }]',
        "price_terms = { indexed = { cap_usd_per_t = 40000 } }",
    ]
    assert tables[5].splitlines() == [
        "[[policies]]",
        'policy_id = "p"',
        'name = "P"',
        'insured = "b"',
        'kind = "contingent"',
        'perils = ["strike", "accident"]',
        "daily_value_usd = 5",
        'suppliers = ["a"]',
    ]


# ----------------------------------------------------------------------------- whole or not at all


@pytest.fixture
def case():
    return sr.Case(name="x", start=START)


def test_an_old_file_stands_when_writing_fails(tmp_path, case, monkeypatch):
    path = sr.save_case(case, tmp_path / "case.toml")
    before = path.read_bytes()

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        sr.save_case(case.with_values({"horizon_days": 30}), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_old_file_is_replaced_and_a_reader_keeps_what_it_had_opened(tmp_path, case):
    path = sr.save_case(case, tmp_path / "case.toml")
    with path.open(encoding="utf-8") as reader:
        sr.save_case(case.with_values({"name": "y"}), path)
        assert tomllib.loads(reader.read())["name"] == "x"
    assert sr.load_case(path).name == "y"
    assert stat.S_IMODE(path.stat().st_mode) & 0o111 == 0


@pytest.mark.parametrize("error", [FileNotFoundError, IsADirectoryError])
def test_where_no_file_can_be_is_an_oserror(tmp_path, case, error):
    path = tmp_path / "nowhere" / "case.toml" if error is FileNotFoundError else tmp_path / "a"
    if error is IsADirectoryError:
        path.mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
        sr.save_case(case, path)
    assert [file.name for file in tmp_path.iterdir()] in ([], ["a"])


def test_half_a_surrogate_pair_never_gets_into_a_case():
    with pytest.raises(sr.InvalidInputError, match="must be text that is not empty"):
        sr.Source(source_id="s", publisher="\udcff", title="T", licence="L")
    with pytest.raises(sr.InvalidInputError, match="must be text that is not empty"):
        sr.Case(name="x", start=START, not_quantified=("\ud800",))
