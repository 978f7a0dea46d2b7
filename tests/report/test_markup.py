"""Whatever is not markup already is escaped."""

import pytest

from supplyrisk.report._markup import Column, Markup, joined, link, table, tag


def test_text_is_escaped_once_and_markup_not_again():
    inner = tag("b", "1 < 2")
    assert tag("p", inner, " & more") == "<p><b>1 &lt; 2</b> &amp; more</p>"
    assert joined(["<", Markup("<br>")], "&") == "&lt;&amp;<br>"


def test_markup_joined_by_hand_is_text_again():
    by_hand = tag("b", "x") + "<i>"
    assert not isinstance(by_hand, Markup)
    assert tag("p", by_hand) == "<p>&lt;b&gt;x&lt;/b&gt;&lt;i&gt;</p>"


def test_characters_that_no_page_may_hold_are_replaced():
    assert tag("p", "a\x00\x1b\ud800\uffffb\n") == "<p>a\ufffd\ufffd\ufffd\ufffdb\n</p>"


def test_attributes_are_escaped():
    assert tag("a", "x", title='" onclick="evil()') == (
        '<a title="&quot; onclick=&quot;evil()">x</a>'
    )


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//x.org", "x"])
def test_only_the_web_is_linked(address):
    assert link(address, "a title") == "a title"


def test_a_table_needs_columns_of_one_length():
    with pytest.raises(ValueError, match="zip"):
        table("a table", [Column("a", ["1", "2"]), Column("b", ["1"])])
