"""Country codes and names: the traps of real tables, then laws over the whole of ISO 3166-1."""

import string
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk._countries import (
    _AMBIGUOUS,
    OTHER_COUNTRIES,
    _by_name,
    _fold,
    all_countries,
    country_code,
    country_name,
    is_country_code,
    numeric_code,
)

countries = st.sampled_from(all_countries())
named = st.sampled_from(
    [(name, c.alpha3) for c in all_countries() for name in (c.name, *c.aliases)],
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("COD", "COD"),
        ("CD", "COD"),
        ("180", "COD"),
        ("4", "AFG"),
        (" PER ", "PER"),
        ("NA", "NAM"),
        ("NO", "NOR"),
        ("DR Congo", "COD"),
        ("Congo (Kinshasa)", "COD"),
        ("Congo, D.R.", "COD"),
        ("Congo, Dem. Rep.", "COD"),
        ("Dem. Rep. of the Congo", "COD"),
        ("The Democratic Republic of the Congo", "COD"),
        ("DRC", "COD"),
        ("Zaïre", "COD"),
        ("Congo-Brazzaville", "COG"),
        ("Congo (Brazzaville)", "COG"),
        ("Congo, Rep.", "COG"),
        ("Republic of the Congo", "COG"),
        ("Burma", "MMR"),
        ("Turkey", "TUR"),
        ("Turkiye", "TUR"),
        ("Tu\u0308rkiye", "TUR"),  # decomposed accent
        ("Cote d'Ivoire", "CIV"),
        ("Côte d\u2019Ivoire", "CIV"),
        ("Ivory Coast", "CIV"),
        ("Korea, Republic of", "KOR"),
        ("Korea, Rep.", "KOR"),
        ("Korea, North", "PRK"),
        ("Dem. People's Rep. of Korea", "PRK"),
        ("Lao PDR", "LAO"),
        ("Lao People's Democratic Republic", "LAO"),
        ("Viet Nam", "VNM"),
        ("Gambia, The", "GMB"),
        ("Br. Virgin Isds", "VGB"),
        ("Bosnia & Herzegovina", "BIH"),
        ("St. Lucia", "LCA"),
        ("Niger", "NER"),
        ("Guinea", "GIN"),
        ("Georgia", "GEO"),
        ("Taiwan", "TWN"),
    ],
)
def test_names_and_codes_as_publishers_write_them(text, code):
    assert country_code(text) == code


@pytest.mark.parametrize(
    ("text", "both"),
    [("Congo", ("COD", "COG")), ("CONGO", ("COD", "COG")), ("Korea", ("KOR", "PRK"))],
)
def test_an_ambiguous_name_raises_and_names_both(text, both):
    with pytest.raises(ValueError, match=f"ambiguous: say {both[0]} .* or {both[1]} "):
        country_code(text)


@pytest.mark.parametrize("text", ["Atlantis", "", "the", "OTH", "ZZZ", "1000", "000", "Other", "²"])
def test_an_unknown_country_raises(text):
    with pytest.raises(ValueError, match="neither an ISO 3166-1 code nor a known name"):
        country_code(text)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("Indonesa", r"did you mean IDN \(Indonesia\)"),
        ("Zambea", r"ZMB \(Zambia\)"),
        ("Democratic Congo", r"COD \(DR Congo\)"),
        ("cod", r"did you mean COD \(DR Congo\)"),
        ("no", r"NOR \(Norway\)"),
    ],
)
def test_a_wrong_name_gets_near_suggestions(text, suggestion):
    with pytest.raises(ValueError, match=suggestion):
        country_code(text)


@pytest.mark.parametrize("text", [None, float("nan"), 180])
def test_what_is_no_text_is_refused_and_the_pandas_trap_named(text):
    with pytest.raises(TypeError, match="keep_default_na=False"):
        country_code(text)


def test_other_countries_are_no_country_unless_asked_for():
    assert not is_country_code(OTHER_COUNTRIES)
    assert is_country_code(OTHER_COUNTRIES, other=True)
    assert country_name(OTHER_COUNTRIES) == "Other countries"
    with pytest.raises(ValueError, match="alpha-3 code such as 'COD', got 'ZZZ'"):
        numeric_code(OTHER_COUNTRIES)


@pytest.mark.parametrize("code", ["cod", "CD", "180", "", "XXX", None, 180, ("COD",), ["COD"]])
def test_only_assigned_alpha3_codes_are_country_codes(code):
    assert not is_country_code(code, other=True)


@pytest.mark.parametrize("lookup", [country_name, numeric_code])
def test_lookups_of_a_wrong_code_say_what_is_wanted(lookup):
    with pytest.raises(
        ValueError, match=r"alpha-3 code such as 'COD', got 'cod'; did you mean COD"
    ):
        lookup("cod")


def test_the_table_is_iso_3166_1():
    table = all_countries()
    assert len(table) == 249
    assert [c.alpha3 for c in table] == sorted(c.alpha3 for c in table)
    for field, length, alphabet in [
        ("alpha3", 3, string.ascii_uppercase),
        ("alpha2", 2, string.ascii_uppercase),
        ("numeric", 3, string.digits),
    ]:
        codes = [getattr(c, field) for c in table]
        assert len(set(codes)) == len(codes)
        assert all(len(code) == length and set(code) <= set(alphabet) for code in codes)


def test_no_name_belongs_to_two_countries_or_is_listed_twice():
    folded = [_fold(name) for c in all_countries() for name in (c.name, *c.aliases)]
    assert len(set(folded)) == len(folded)
    assert not set(folded) & set(_AMBIGUOUS)
    assert "" not in folded


def test_no_name_is_another_countrys_code():
    codes = {code: c.alpha3 for c in all_countries() for code in (c.alpha3, c.alpha2)}
    clashes = {
        name for name, c in _by_name().items() if codes.get(name.upper(), c.alpha3) != c.alpha3
    }
    assert not clashes


@given(countries)
def test_every_code_round_trips(country):
    code = country.alpha3
    assert is_country_code(code)
    for text in (code, country.alpha2, country.numeric, country_name(code), numeric_code(code)):
        assert country_code(text) == code


@given(named, st.randoms(use_true_random=False))
def test_names_are_found_whatever_their_case_and_spacing(name_and_code, random):
    name, code = name_and_code
    shuffled = "".join(random.choice([c.lower(), c.upper()]) for c in name)
    assert country_code(f"  {shuffled.replace(' ', '  ')} ") == code


@given(st.text(max_size=12))
def test_any_text_gives_a_code_or_a_value_error(text):
    try:
        code = country_code(text)
    except ValueError:
        return
    assert is_country_code(code)


def test_the_module_is_light():
    script = (
        "import sys, supplyrisk._countries\n"
        "assert not {'numpy', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
