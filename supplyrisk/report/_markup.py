"""HTML that cannot forget to escape: whatever is not markup already is text."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_VOID: Final = frozenset({"br", "hr", "img", "link", "meta"})
# What no HTML document may hold; half surrogates cannot even be written as UTF-8.
_FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


class Markup(str):
    """Text that is HTML already.

    Joining it with other text by ``+`` or a format string gives ordinary text again, which is
    escaped once more: a mistake shows on the page and lets nothing through.
    """

    __slots__ = ()


class Column(NamedTuple):
    """A column of a table.

    Attributes
    ----------
    heading
        Its heading, with the unit.
    cells
        Text or markup of each row.
    numeric
        Whether to set it right, in figures of equal width.
    """

    heading: str
    cells: Sequence[str]
    numeric: bool = False


def escaped(text: str) -> Markup:
    """Return text as markup that shows it, fit for an attribute too."""
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", str(text))))


def joined(parts: Iterable[str], separator: str = "") -> Markup:
    """Return parts one after the other; those that are no markup are escaped."""
    return Markup(escaped(separator).join(escaped(part) for part in parts))


def tag(name: str, /, *children: str, **attributes: str | None) -> Markup:
    """Return an element; children that are no markup are escaped.

    Parameters
    ----------
    name : str
        Name of the element.
    *children : str
        Text or markup.
    **attributes : str or None
        Attributes; a trailing underscore is dropped, others become hyphens, none is left out.

    Returns
    -------
    Markup
        The element.
    """
    stated = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{stated}>")
    return Markup(f"<{name}{stated}>{joined(children)}</{name}>")


def paragraph(*children: str, class_: str | None = None) -> Markup:
    """Return a paragraph."""
    return tag("p", *children, class_=class_)


def items(entries: Iterable[str], class_: str | None = None) -> Markup:
    """Return an unordered list."""
    return tag("ul", *(tag("li", entry) for entry in entries), class_=class_)


def link(address: str, *children: str) -> Markup:
    """Return a link: to a place on the page, or out of it; nothing is loaded by it."""
    if address.startswith("#"):
        return tag("a", *children, href=address)
    if not address.startswith(("https://", "http://")):  # never a script
        return joined(children)
    return tag("a", *children, href=address, rel="noopener noreferrer")


def table(
    caption: str, columns: Sequence[Column], *, class_: str | None = None, headed: bool = False
) -> Markup:
    """Return a table that scrolls sideways where the screen is narrow.

    Parameters
    ----------
    caption : str
        What it shows.
    columns : sequence of Column
        Columns of equal length; the first names the rows.
    class_ : str, optional
        Class of the table.
    headed : bool, default False
        Whether a heading above says the caption already.

    Returns
    -------
    Markup
        The table in a box that a keyboard can scroll.
    """
    kinds = ["number" if column.numeric else None for column in columns]
    head = (
        tag("th", column.heading, scope="col", class_=kind)
        for column, kind in zip(columns, kinds, strict=True)
    )
    rows = []
    for first, *others in zip(*(column.cells for column in columns), strict=True):
        cells = (tag("td", cell, class_=kind) for cell, kind in zip(others, kinds[1:], strict=True))
        rows.append(tag("tr", tag("th", first, scope="row", class_=kinds[0]), *cells))
    return tag(
        "div",
        tag(
            "table",
            *(() if headed else (tag("caption", tag("span", caption)),)),
            tag("thead", tag("tr", *head)),
            tag("tbody", *(joined(("\n", row)) for row in rows)),
            class_=class_,
        ),
        class_="scroll",
        role="region",
        tabindex="0",
        aria_label=caption,
    )
