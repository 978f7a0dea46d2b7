"""One name for each commodity, however it is written, and none for what is no commodity."""

import difflib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supplyrisk import data
from supplyrisk.data.vocabulary import commodity_of
from supplyrisk.errors import InvalidInputError

# Read off the table row by row, without the folding under test.
WRITTEN = {
    alias: row["commodity"]
    for row in data.table("commodities").to_dict("records")
    for alias in (
        row["commodity"],
        row["name"],
        *(row["aliases"].split("|") if isinstance(row["aliases"], str) else []),
    )
}
COMMODITIES = sorted(set(WRITTEN.values()))
written = st.sampled_from(sorted(WRITTEN))


def refusal(text):
    with pytest.raises(InvalidInputError) as caught:
        commodity_of(text)
    (fault,) = caught.value.faults
    assert str(caught.value).startswith("commodity: name must be one of alumina, aluminium, ")
    assert fault.value is text
    return fault.rule


@pytest.mark.parametrize(
    ("text", "commodity"),
    [
        ("tin", "tin"),
        ("Rare earths", "rare_earths"),
        ("rare_earths", "rare_earths"),
        ("RARE-EARTHS", "rare_earths"),
        ("  Rare\tearths. ", "rare_earths"),
        ("Aluminum", "aluminium"),
        ("Aluminium", "aluminium"),
        ("t\N{LATIN SMALL LETTER I WITH ACUTE}n", "tin"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER T}in", "tin"),
    ],
)
def test_a_commodity_is_known_by_its_names(text, commodity):
    assert commodity_of(text) == commodity


@pytest.mark.parametrize("text", sorted(WRITTEN))
def test_every_name_and_alias_in_the_table_is_known(text):
    assert commodity_of(text) == WRITTEN[text]


@pytest.mark.parametrize("commodity", COMMODITIES)
def test_a_commodity_is_its_own_name(commodity):
    assert commodity_of(commodity_of(commodity)) == commodity


@given(written, st.sampled_from([str.upper, str.lower, str.title, str.swapcase]))
def test_case_does_not_matter(text, case):
    assert commodity_of(case(text)) == WRITTEN[text]


@given(written, st.sampled_from([" ", "  ", "-", "_", "\N{NO-BREAK SPACE}", " / ", ", "]))
def test_what_stands_between_the_words_does_not_matter(text, between):
    assert commodity_of(between.join(text.split())) == WRITTEN[text]


@given(written, st.sampled_from("\N{COMBINING ACUTE ACCENT}\N{COMBINING DIAERESIS}"), st.data())
def test_accents_do_not_matter(text, accent, drawn):
    letters = [place for place, letter in enumerate(text, start=1) if letter.isalpha()]
    place = drawn.draw(st.sampled_from(letters))
    accented = text[:place] + accent + text[place:]
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert commodity_of(unicodedata.normalize(form, accented)) == WRITTEN[text]


@pytest.mark.parametrize(
    "text", ["tin concentrate from Bisie", "ti", "ores", "earths", "", " ", "?", "NA", "all", "錫"]
)
def test_a_name_is_never_guessed_from_a_part(text):
    assert "must be one of" in refusal(text)


@pytest.mark.parametrize("thing", [None, 5, float("nan"), True, b"tin", ["tin"], {"tin": 1}])
def test_what_is_no_text_is_no_commodity(thing):
    assert "did you mean" not in refusal(thing)


@pytest.mark.parametrize(
    ("text", "near"), [("tinn", "tin"), ("Cobald", "cobalt"), ("Aluminiun", "aluminium")]
)
def test_a_near_name_is_suggested(text, near):
    assert refusal(text).endswith(f"(did you mean {near!r}?)")


@given(written, st.sampled_from("xqz"), st.integers(0, 20))
def test_a_slip_is_refused_and_its_suggestion_is_a_name(text, letter, place):
    slip = text[:place] + letter + text[place:]
    rule = refusal(slip)
    _, found, hint = rule.partition("did you mean ")
    if found:
        assert commodity_of(hint.split("'")[1]) in COMMODITIES
    else:
        plain = " ".join(slip.casefold().replace("_", " ").split())
        assert not difflib.get_close_matches(plain, WRITTEN)


@given(st.text(max_size=20))
def test_any_text_is_a_commodity_or_refused(text):
    try:
        assert commodity_of(text) in COMMODITIES
    except InvalidInputError as error:
        assert isinstance(error, ValueError)  # noqa: PT017 - either way is right


def test_the_refusal_lists_every_commodity():
    listed = refusal("unobtainium").removeprefix("must be one of ").partition(" (")[0]
    assert sorted(listed.split(", ")) == COMMODITIES
