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
        capacity_tpa=draw(positive),
        utilisation=draw(fraction),
        latitude_deg=position[0],
        longitude_deg=position[1],
        operator=draw(maybe() | text),
        n_units=draw(whole),
        annual_cap_days=draw(maybe() | positive),
    )


@st.composite
def hazards(draw, name):
    group = draw(maybe() | st.just(name))
    return sr.Hazard(
        hazard_id=name,
        peril=draw(perils),
        scope=draw(scopes),
        rate_pa=draw(least_0),
        duration=draw(durations),
        severity=draw(fraction | severities),
        ramp_up=draw(ramps),
        rate_shape=draw(positive) if group else draw(maybe() | positive),
        rate_group=group,
        hit_probability=draw(fraction),
        shared_duration=draw(st.booleans()),
    )


@st.composite
def events(draw, name):
    common = {
        "event_id": name,
        "peril": draw(perils),
        "scope": draw(scopes),
        "severity": draw(fraction),
        "ramp_up": draw(ramps),
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
    return sr.Market(
        commodity="tin",
        price_usd_per_t=draw(positive),
        price_date=first,
        supply_tpa=draw(positive),
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
    )


@st.composite
def buyers(draw, name):
    shares = draw(st.sampled_from([(), (1,), (0.1, 0.2), (0.7, 0.2, 0.1)]))
    return sr.CommodityExposure(
        buyer_id=name,
        name=draw(text),
        commodity="tin",
        demand_tpa=draw(positive),
        sources=tuple(sr.Supply(scope=draw(scopes), share=share) for share in shares),
        inventory_days=draw(least_0),
        price_terms=draw(
            st.builds(sr.PriceTerms.spot, premium_usd_per_t=real)
            | st.builds(sr.PriceTerms.fixed, price_usd_per_t=positive)
        ),
        hedged_share=draw(fraction),
        margin_usd_per_t=draw(least_0),
        priority=draw(whole),
        illustrative=draw(st.booleans()),
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


def some(part, draw):
    """Draw up to three parts, each with a name of its own."""
    return tuple(draw(part(name)) for name in NAMES[: draw(st.integers(0, 3))])


@st.composite
def cases(draw):
    mines = (
        draw(sites(NAMES[0])),
        *(draw(sites(name)) for name in NAMES[1 : draw(st.integers(1, 3))]),
    )
    mishaps = some(hazards, draw)
    sources = (draw(source(NAMES[0])), *(draw(source(name)) for name in NAMES[1:2]))
    paths = st.sampled_from(["sites", f"sites.{NAMES[0]}", f"sites.{NAMES[0]}.name", "markets.tin"])
    standings = ["reported", "derived", "estimate", "assumption", "illustrative"]
    return sr.Case(
        name=draw(identifiers),
        start=START,
        commodity=draw(maybe() | st.just("tin")),
        horizon_days=draw(whole),
        step_days=draw(whole),
        sites=mines,
        hazards=mishaps,
        events=some(events, draw),
        markets=(draw(markets()),),
        exposures=some(buyers, draw),
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
