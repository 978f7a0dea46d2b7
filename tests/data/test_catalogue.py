"""The catalogue as it was known on a day, and how to cite it."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

import supplyrisk as sr
from supplyrisk.data import bibtex, catalogue, disruptions
from supplyrisk.data.history import stops
from supplyrisk.errors import InvalidInputError

BISIE_SHUT = dt.date(2025, 3, 13)
DATES = ["announced", "started", "ended", "last_observed", "price_before_date", "price_peak_date"]
OF_THE_END = ["ended", "ended_precision", "end_kind", "lost_t", "ramp_up_days", "note"]
CHANGING = ["censored", "last_observed", "duration_days"]
SIGNS = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
}

fewer = settings(max_examples=settings().max_examples // 3)
any_day = st.dates(dt.date(2005, 1, 1), dt.date(2027, 12, 31))


def by_id(frame):
    return frame.set_index("disruption_id")


# --- Published rows -----------------------------------------------------------------------


def test_bisie_was_shut_for_33_days():
    # Alphamin: evacuated on 13 March 2025, first restart on 15 April 2025.
    row = by_id(disruptions()).loc["E131"]
    assert (row["site_id"], row["country"], row["peril"]) == ("bisie", "COD", "armed_conflict")
    assert (row["started"].date(), row["ended"].date()) == (BISIE_SHUT, dt.date(2025, 4, 15))
    assert row["duration_days"] == 33.0 == (row["ended"] - row["started"]).days
    assert not row["censored"]


def test_one_stop_by_armed_conflict_had_started_before_bisie():
    then = disruptions(as_of=BISIE_SHUT)
    conflict = then[then["is_stop"] & (then["peril"] == "armed_conflict")]
    assert conflict.loc[conflict["duration_days"] >= 7.0, "disruption_id"].tolist() == ["E095"]
    row = conflict.iloc[0]  # the refinery at Mykolaiv, shut by the war on 1 March 2022
    assert (row["country"], row["started"].date()) == ("UKR", dt.date(2022, 3, 1))


@pytest.mark.parametrize(("day", "length"), [(14, 1.0), (20, 7.0), (31, 18.0)])
def test_bisie_was_a_running_stop_in_march_2025(day, length):
    row = by_id(disruptions(as_of=dt.date(2025, 3, day))).loc["E131"]
    assert (row["censored"], row["duration_days"]) == (True, length)
    assert row["last_observed"] == pd.Timestamp(2025, 3, day)
    assert row[OF_THE_END].isna().all()


def test_the_peak_of_the_price_is_known_from_the_day_after():
    # LME tin reached 38,395 USD/t on 2 April 2025.
    on_the_day = by_id(disruptions(as_of=dt.date(2025, 4, 2))).loc["E131"]
    day_after = by_id(disruptions(as_of=dt.date(2025, 4, 3))).loc["E131"]
    assert pd.isna(on_the_day["price_peak"])
    assert pd.isna(on_the_day["price_peak_date"])
    assert day_after["price_peak"] == 38_395.0


def test_a_ramp_up_is_known_once_it_is_over():
    # 24 days from 15 April 2025 end on 9 May.
    before, after = (by_id(disruptions(as_of=dt.date(2025, 5, day))).loc["E131"] for day in (9, 10))
    assert pd.isna(before["ramp_up_days"])
    assert after["ramp_up_days"] == 24.0


# --- No day shows what came later ---------------------------------------------------------


@fewer
@given(any_day)
@example(dt.date(2005, 10, 3))  # the first row starts
@example(dt.date(2025, 4, 15))  # Bisie restarts
@example(dt.date(2022, 3, 1))
def test_no_date_lies_after_the_day(day):
    frame = disruptions(as_of=day)
    assert (frame["started"] < pd.Timestamp(day)).all()
    for column in DATES:
        assert not (frame[column] > pd.Timestamp(day)).any(), column


@fewer
@given(any_day)
def test_every_row_that_had_started_is_there_in_order(day):
    full = disruptions()
    expected = full.loc[full["started"] < pd.Timestamp(day), "disruption_id"]
    assert disruptions(as_of=day)["disruption_id"].tolist() == expected.tolist()


@fewer
@given(any_day)
def test_a_stop_that_was_running_is_a_lower_bound_without_its_end(day):
    full = by_id(disruptions())
    then = by_id(disruptions(as_of=day))
    ended = full["ended"].reindex(then.index)
    running = then[then["is_stop"] & ~(ended < pd.Timestamp(day))]
    assert running["censored"].all()
    assert running[OF_THE_END].isna().all(axis=None)
    observed = (running["last_observed"] - running["started"]).dt.days
    assert running["duration_days"].tolist() == observed.tolist()
    assert (running["last_observed"] <= pd.Timestamp(day)).all()
    assert (running["duration_days"] <= full.loc[running.index, "duration_days"]).all()


@fewer
@given(any_day)
def test_a_stop_that_was_over_has_its_whole_length(day):
    full = by_id(disruptions())
    then = by_id(disruptions(as_of=day))
    over = then[then["ended"].notna()].drop(columns=["ramp_up_days", "price_peak"])
    assert not over["censored"].any()
    columns = [column for column in over.columns if column != "price_peak_date"]
    assert_frame_equal(over[columns], full.loc[over.index, columns])


@fewer
@given(any_day)
def test_a_near_miss_has_no_length_on_any_day(day):
    # Schema: the length is blank for near misses, and an end not seen is that of a stop.
    full = by_id(disruptions())
    then = by_id(disruptions(as_of=day))
    near_misses = then[~then["is_stop"]]
    expected = full.loc[near_misses.index, CHANGING]
    assert_frame_equal(near_misses[CHANGING], expected)


@fewer
@given(any_day, any_day)
def test_a_later_day_adds_rows_and_knowledge_and_takes_none(one, other):
    early = by_id(disruptions(as_of=min(one, other)))
    late = by_id(disruptions(as_of=max(one, other)))
    assert set(early.index) <= set(late.index)
    later = late.loc[early.index]
    for column in early.columns.difference(CHANGING):
        known = early[column].notna()
        assert_series_equal(early.loc[known, column], later.loc[known, column])
    assert (early["censored"] | ~later["censored"]).all()
    stopped = early["is_stop"]
    assert (later.loc[stopped, "duration_days"] >= early.loc[stopped, "duration_days"]).all()


def test_far_in_the_future_all_that_was_over_stands_as_in_the_whole_table():
    full, then = disruptions(), disruptions(as_of=dt.date(2100, 1, 1))
    assert then["disruption_id"].tolist() == full["disruption_id"].tolist()
    over = full["ended"].notna()
    assert_frame_equal(then[over], full[over])
    running = full["is_stop"] & ~over
    assert_frame_equal(then.loc[running, CHANGING], full.loc[running, CHANGING])


@given(st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1)))
@example(dt.date(1990, 1, 1))  # before everything: no row, and the same columns
def test_a_day_changes_no_type_of_a_column(day):
    then, full = disruptions(as_of=day), disruptions()
    assert_series_equal(then.dtypes, full.dtypes)
    assert then.index.tolist() == list(range(len(then)))


def test_what_a_user_does_to_the_frame_stays_with_the_user():
    frame = disruptions()
    frame["duration_days"] = 0.0
    assert (disruptions()["duration_days"] > 0.0).any()
    assert (disruptions(as_of=BISIE_SHUT)["duration_days"] > 0.0).any()


@pytest.mark.parametrize("bad", ["2025-03-13", pd.Timestamp(2025, 3, 13, 12), 20_250_313, np.nan])
def test_what_is_no_date_is_refused(bad):
    with pytest.raises(InvalidInputError, match="as_of must be a date"):
        disruptions(as_of=bad)


# --- One row for each physical event ------------------------------------------------------


@fewer
@given(any_day)
def test_rates_rest_on_long_stops_and_one_row_of_a_cluster(day):
    rows = stops(day)
    assert rows["is_stop"].all()
    assert (rows["duration_days"] >= 7.0).all()
    assert not (rows["severity"] < 0.25).any()
    assert not rows["cluster_id"].dropna().duplicated().any()
    then = disruptions(as_of=day)
    long = then[then["is_stop"] & (then["duration_days"] >= 7.0) & ~(then["severity"] < 0.25)]
    assert set(rows["cluster_id"].dropna()) == set(long["cluster_id"].dropna())
    assert rows["cluster_id"].isna().sum() == long["cluster_id"].isna().sum()


def test_the_pandemic_in_peru_is_one_event():
    full = disruptions()
    peru = full[full["cluster_id"] == "peru-covid-2020"]
    assert len(peru) == 4
    assert stops()["disruption_id"].isin(peru["disruption_id"]).sum() == 1


# --- BibTeX -------------------------------------------------------------------------------


def value_at(text, at):
    """Text between the brace at a place and its partner; BibTeX counts escaped braces too."""
    assert text[at] == "{", text[at : at + 40]
    depth = 0
    for place in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[at + 1 : place], place + 1
    raise AssertionError(f"unbalanced: {text[at : at + 60]}")


def parsed(text):
    """Entries of a BibTeX file as a strict reader takes them: key, then field and value."""
    entries, at = {}, 0
    while at < len(text):
        head = re.compile(r"@misc\{([A-Za-z0-9_-]+)").match(text, at)
        assert head, text[at : at + 40]
        key, fields, at = head[1], {}, head.end()
        assert key not in entries, key
        while field := re.compile(r",\n  ([a-z]+) = (?=\{)").match(text, at):
            assert field[1] not in fields, field[1]
            fields[field[1]], at = value_at(text, field.end())
        assert text[at : at + 2] == "\n}", text[at : at + 40]
        gap = re.compile(r"\n}(\n\n(?=@)|\Z)").match(text, at)
        assert gap, text[at : at + 40]
        entries[key], at = fields, gap.end()
    return entries


def printed(value):
    """What LaTeX prints; every sign with a meaning of its own must be escaped."""
    value = re.sub(r"\\url\{([^{}\s]*)\}", lambda url: re.sub(r"[&%$#_~^]", "-", url[1]), value)
    for sign, escaped in SIGNS.items():
        value = value.replace(escaped, f"<{ord(sign)}>")
    assert not re.search(r"[\\{}&%$#_~^]", value), value
    return re.sub(r"<(\d+)>", lambda code: chr(int(code[1])), value)


def test_every_source_and_every_disruption_is_an_entry_a_strict_parser_takes():
    sources, events = sr.data.sources(), disruptions()
    ids = [*sources["source_id"], *events["disruption_id"]]
    entries = parsed(bibtex(ids))
    assert list(entries) == ids
    for row in sources.to_dict("records"):
        fields = entries[row["source_id"]]
        assert printed(fields["title"]) == row["title"]
        assert printed(fields["author"].removeprefix("{").removesuffix("}")) == row["publisher"]
        assert fields["author"].startswith("{"), "a publisher is no first and last name"
        assert row["licence"] in printed(fields["note"])
        published = row["published"]
        assert fields.get("year") == (None if pd.isna(published) else str(published.year))
    for row in events.to_dict("records"):
        fields = entries[row["disruption_id"]]
        assert printed(fields["title"]) == row["name"]
        assert fields["year"] == str(row["started"].year)
        for url in row["references"].split():
            assert f"\\url{{{url}}}" in fields["howpublished"]


def test_all_that_is_shipped_is_cited_by_default():
    sources = sr.data.sources()
    assert list(parsed(bibtex())) == sources.loc[sources["shipped"], "source_id"].tolist()


def test_the_entry_of_bisie_is_as_expected():
    fields = parsed(bibtex(["E131"]))["E131"]
    assert fields["title"] == "Bisie evacuation before M23 advance"
    assert fields["year"] == "2025"
    assert "miningmx.com" in fields["howpublished"]


def test_nothing_asked_for_is_nothing_given():
    assert bibtex([]) == ""


@given(st.text(st.sampled_from("aZ 9&%$#_{}~^\\,=\"@'"), min_size=1, max_size=30))
@example("50 % of {copper")
@example("a } b")
@example("x^2 ~ y")
@example(r"C:\path_a & b")
def test_any_title_gives_an_entry_that_prints_as_it_was(title):
    source = sr.data.sources().iloc[[0]].assign(source_id="s", title=title, publisher=title)
    tables = {"sources": source, "disruptions": disruptions().iloc[[0]]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogue, "table", lambda name: tables[name].copy())
        fields = parsed(bibtex(["s"]))["s"]
    assert printed(fields["title"]) == title
    assert printed(fields["author"][1:-1]) == title


@pytest.mark.parametrize(
    ("unknown", "near"), [("usgs-mcs-2052", "usgs-mcs-20"), ("E1311", "E131"), ("bisie-2025", "")]
)
def test_an_unknown_id_is_refused_with_the_nearest_one(unknown, near):
    with pytest.raises(
        InvalidInputError, match="must be that of a source or a disruption"
    ) as caught:
        bibtex(["E131", unknown])
    assert [fault.value for fault in caught.value.faults] == [unknown]
    if near:
        assert f"did you mean '{near}" in str(caught.value)


def test_all_unknown_ids_are_named_at_once():
    with pytest.raises(InvalidInputError) as caught:
        bibtex(["no-1", "E131", "no-2"])
    assert [fault.value for fault in caught.value.faults] == ["no-1", "no-2"]
