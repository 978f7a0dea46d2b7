"""The page as a whole: sections in the order in which a reader asks, and nothing from outside."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from supplyrisk import _files
from supplyrisk import _validation as check
from supplyrisk.engine.outlook import Outlook
from supplyrisk.report import _findings as findings
from supplyrisk.report import _known as known
from supplyrisk.report import _money as money
from supplyrisk.report import _words as words
from supplyrisk.report._chain import how_long_stocks
from supplyrisk.report._insured import what_policies_pay
from supplyrisk.report._markup import Markup, items, joined, link, tag
from supplyrisk.report._pictures import plates
from supplyrisk.report._section import Material, Section, material
from supplyrisk.report._then import then

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from supplyrisk.model.outcome import Outcome

# Nothing is loaded and nothing runs, whatever the texts of a case say.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def page(outlook: Outlook, *, outcome: Outcome | None = None) -> str:
    """Return one HTML page about an outlook that needs no network.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures; those with ``keep="events"`` give a timeline, what policies pay and,
        with an outcome, a comparison of output.
    outcome : Outcome, optional
        What then happened; shown beside what was predicted, and used for nothing else.

    Returns
    -------
    str
        The page: pictures inside, no script, nothing loaded from elsewhere. The same outlook
        gives the same text.

    Raises
    ------
    ValueError
        If `outcome` is that of another case, or a policy does not fit the case.
    """
    check.require("outlook", outlook, Outlook)
    case = outlook.case
    if outcome is not None and outcome.name != case.name:
        raise ValueError(f"outcome must be that of case {case.name!r}, got {outcome.name!r}")
    pictures = {picture.name: picture.markup() for picture in plates(outlook, outcome)}
    made = material(outlook, outcome, pictures)
    answers = (
        findings.in_short(made),
        findings.where(made),
        known.known(made),
        findings.how_long(made),
        findings.how_much(made),
        how_long_stocks(made),
        money.what_price(made),
        money.whose_cost(made),
        what_policies_pay(made),
        then(made),
        known.assumed(made),
        known.left_out(made),
        known.made_from(made),
    )
    return _whole(made, [answer for answer in answers if answer is not None])


def write(
    outlook: Outlook, path: str | os.PathLike[str], *, outcome: Outcome | None = None
) -> Path:
    """Write the page about an outlook to a file.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures.
    path : path-like
        File to write; its folder must exist.
    outcome : Outcome, optional
        What then happened.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ValueError
        If `outcome` is that of another case, or a policy does not fit the case.
    OSError
        If the file cannot be written.
    """
    return _files.write_text(path, page(outlook, outcome=outcome))


def _whole(made: Material, sections: list[Section]) -> str:
    case = made.case
    title = f"{case.name}: {made.commodity} supply risk"
    contents = tag(
        "nav",
        tag("h2", "Contents"),
        items(link(f"#{section.key}", section.title) for section in sections),
        aria_label="Contents",
    )
    header = tag(
        "header",
        tag("h1", title),
        tag(
            "p",
            tag("time", words.day(case.start), datetime=case.start.isoformat()),
            f" and the {case.horizon_days} days after",
        ),
    )
    answers = (
        tag("section", tag("h2", s.title, id=s.key), s.body, aria_labelledby=s.key)
        for s in sections
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="generator", content="supplyrisk"),
        tag("title", title),
        # The one text that is not escaped: the style is ours, and HTML reads it as it stands.
        tag("style", Markup(_style())),
    )
    body = tag("body", header, contents, tag("main", joined(answers, "\n")))
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _style() -> str:
    return resources.files("supplyrisk.report").joinpath("page.css").read_text(encoding="utf-8")
