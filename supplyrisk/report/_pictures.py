"""Which pictures there are of an outlook, how large they are, and what they say in words."""

from __future__ import annotations

import base64
import datetime as dt
import io
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import matplotlib as mpl
import matplotlib.style
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from supplyrisk import _files, _text, plot
from supplyrisk.report import _words as words
from supplyrisk.report._markup import Markup, tag
from supplyrisk.units import DAYS_PER_YEAR

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from matplotlib.axes import Axes

    from supplyrisk.engine.outlook import Outlook
    from supplyrisk.model.outcome import Outcome

DPI: Final = 192
"""Resolution of pictures made of pixels: sharp on fine screens. [1/in]"""
_LARGEST_SVG: Final = 400_000  # bytes; beyond, pixels are smaller
_WIDTH_IN: Final = 7.2
_TOP: Final = 10
_STYLE: Final[dict[str, Any]] = {
    "font.size": 10.0,
    "svg.fonttype": "path",  # looks the same where the fonts are others
    "svg.hashsalt": "supplyrisk",  # the same picture has the same bytes
}


_OTHER_LETTERS: Final = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans",
)
"""Fonts for names in Chinese or Japanese letters; those that are installed are used."""


class Picture(NamedTuple):
    """A picture before it is drawn.

    Attributes
    ----------
    name
        Name, of its file too.
    caption
        How to read it, for everyone.
    alt
        What it shows, for those who cannot see it.
    size_in
        Width and height. [in]
    draw
        Draws it on axes.
    detailed
        Whether it holds so many lines that pixels are smaller than a drawing.
    """

    name: str
    caption: str
    alt: str
    size_in: tuple[float, float]
    draw: Callable[[Axes], object]
    detailed: bool = False

    def figure(self) -> Figure:
        """Draw it, apart from pyplot and from anybody's settings."""
        with _own_style():
            figure = Figure(figsize=self.size_in, layout="constrained")
            FigureCanvasAgg(figure)
            self.draw(figure.subplots())
        return figure

    def markup(self) -> Markup:
        """Return it drawn, with its caption, as part of a page."""
        figure = self.figure()
        kind, data = "svg+xml", b"" if self.detailed else _saved(figure, "svg")
        if self.detailed or len(data) > _LARGEST_SVG:
            kind, data = "png", _saved(figure, "png")
        address = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
        width, height = (round(96.0 * inches) for inches in self.size_in)
        image = tag("img", src=address, alt=self.alt, width=str(width), height=str(height))
        box = tag(
            "div", image, class_="scroll", role="region", tabindex="0", aria_label=self.caption
        )
        return tag("figure", box, tag("figcaption", self.caption), id=f"picture-{self.name}")


def pictures(outlook: Outlook, *, outcome: Outcome | None = None) -> Iterator[tuple[str, Figure]]:
    """Draw every picture that an outlook has the figures for, in the order of the page.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures.
    outcome : Outcome, optional
        What then happened; shown beside the futures.

    Yields
    ------
    tuple of str and matplotlib.figure.Figure
        Name and picture; none of them is known to pyplot.
    """
    for picture in plates(outlook, outcome):
        yield picture.name, picture.figure()


def save_pictures(
    outlook: Outlook, folder: str | os.PathLike[str], *, outcome: Outcome | None = None
) -> list[Path]:
    """Write every picture of an outlook as PNG.

    Parameters
    ----------
    outlook : Outlook
        Simulated futures.
    folder : path-like
        Folder that exists.
    outcome : Outcome, optional
        What then happened; shown beside the futures.

    Returns
    -------
    list of Path
        The files written, named after the pictures. The same outlook gives the same bytes.
    """
    return [
        _files.write_bytes(Path(folder) / f"{name}.png", _saved(figure, "png"))
        for name, figure in pictures(outlook, outcome=outcome)
    ]


def plates(outlook: Outlook, outcome: Outcome | None) -> Iterator[Picture]:
    """Yield the pictures that an outlook has the figures for, not yet drawn."""
    case = outlook.case
    yield _map(outlook)
    if outlook.has_events:
        yield _timeline(outlook)
    yield _exceedance(outlook)
    yield _contributions(outlook)
    yield _supply(outlook)
    if case.market() is not None:
        yield _stocks(outlook)
        yield _price(outlook, outcome)
    if len(outlook.exposures):
        yield _buyers(outlook)
        may_be_short = outlook.exposures["probability_short"] > 0.0
        for buyer_id in outlook.exposures.index[may_be_short]:
            yield _shortage(outlook, buyer_id)


def _map(outlook: Outlook) -> Picture:
    worst = outlook.sites.sort_values("expected_lost_share", ascending=False, kind="stable")
    named = [
        f"{name} ({words.percent(share)})"
        for name, share in zip(worst["name"], worst["expected_lost_share"], strict=True)
    ]
    return Picture(
        "map",
        "Every site by its planned production (area) and the share of its plan that is expected "
        "to be lost (colour, dark is bad).",
        f"World map of {len(worst)} sites. Expected to lose the largest share of their plan: "
        f"{words.listed(named[:3])}.",
        (8.6, 4.2),
        lambda ax: plot.site_map(outlook.sites, ax=ax),
        detailed=True,
    )


def _timeline(outlook: Outlook) -> Picture:
    n_rows = min(len(outlook.sites), 12)
    ongoing = sum(event.ended is None for event in outlook.case.events)
    return Picture(
        "timeline",
        "What is known to stand still, and from the start of the case on the share of each plan "
        "that is lost in the mean of all futures; marks are median restarts with 90 % of the "
        "futures.",
        f"Timeline of {n_rows} sites: known outages that are not over ({ongoing}), and the loss "
        "simulated from the start of the case on.",
        (_WIDTH_IN, max(1.5 + 0.24 * (n_rows + 1.15 * ongoing), 2.6)),
        lambda ax: plot.timeline(outlook, ax=ax),
        detailed=True,
    )


def _exceedance(outlook: Outlook) -> Picture:
    yearly = outlook.case.horizon_days == DAYS_PER_YEAR

    def draw(ax: Axes) -> None:
        periods = (10, 20, 100) if yearly else None
        plot.exceedance(outlook.lost_t, return_periods=periods, label="all losses", ax=ax)
        plot.exceedance(
            outlook.largest_loss_t, return_periods=None, label="largest single event", ax=ax
        )

    return Picture(
        "exceedance",
        "How likely a loss of at least a given size is, for everything lost together and for the "
        "largest single event; bands hold 90 % of the sampling error.",
        f"Two falling curves. Half of the futures lose at least {_at(outlook, 0.5)} t, one in ten "
        f"at least {_at(outlook, 0.9)} t, one in a hundred at least {_at(outlook, 0.99)} t.",
        (_WIDTH_IN, 4.0),
        draw,
    )


def _at(outlook: Outlook, level: float) -> str:
    summary = outlook.summary().set_index("metric")["value"]
    return words.tonnes(float(summary[f"value_at_risk_{round(100 * level)}_t"]))


def _contributions(outlook: Outlook) -> Picture:
    parts = outlook.contributions("site")
    named = [
        f"{outlook.case.site(str(key)).name} ({words.percent(share)})"
        for key, share in parts["tail_share"].head(3).items()
    ]
    rows = min(len(parts), _TOP + 1)
    return Picture(
        "contributions",
        "What each site adds to the mean loss of all futures, and to that of the worst "
        f"{words.WORST}.",
        f"Bars by site. Largest parts of the worst {words.WORST}: {words.listed(named)}.",
        (_WIDTH_IN, 1.3 + 0.36 * rows),
        lambda ax: plot.contributions(outlook, "site", top=_TOP, ax=ax),
    )


def _supply(outlook: Outlook) -> Picture:
    # A step may be shorter than the others: the picture shows tonnes a day, and so do the words.
    edges = outlook.plan.edges_days
    last = outlook.steps["supply_t"].iloc[-1] / (edges[-1] - edges[-2])
    low, middle, high = (words.tonnes(last[level]) for level in ("q05", "q50", "q95"))
    planned = words.tonnes(outlook.plan.planned_t / outlook.plan.horizon_days)
    return Picture(
        "supply",
        f"Production by day: the median of all futures, half of them, {words.NINETY} of them, and "
        "the plan.",
        f"Fan of the production of {outlook.case.commodity} against a plan of {planned} t a day. "
        f"At its end {words.NINETY} of the futures lie between {low} and {high} t a day, the "
        f"median at {middle}.",
        (_WIDTH_IN, 3.8),
        lambda ax: plot.fan(outlook, "supply_t", ax=ax),
    )


def _stocks(outlook: Outlook) -> Picture:
    first, last = (outlook.steps["buyers_t"].iloc[place] for place in (0, -1))
    ends = [words.tonnes(last[level]) for level in ("q05", "q95")]
    return Picture(
        "stocks",
        "What is in stock before the market (at mines, under way, as feed), at the exchange and "
        f"with buyers: the median of all futures and {words.NINETY} of them, against the stock of "
        "a path on which nothing ever happens.",
        f"Stocks by date. Buyers hold {words.tonnes(first['q50'])} t after the first step in the "
        f"median and {words.tonnes(last['q50'])} t at the end, {words.NINETY} of the futures "
        f"{words.between(*ends)} t.",
        (_WIDTH_IN, 4.0),
        lambda ax: plot.stocks(outlook, ax=ax),
    )


def _shortage(outlook: Outlook, buyer_id: str) -> Picture:
    name, ever = (outlook.exposures[column][buyer_id] for column in ("name", "probability_short"))
    risk = outlook.buyer_steps(buyer_id)["probability_short"].to_numpy()
    worst = outlook.case.start + dt.timedelta(days=int(outlook.plan.edges_days[risk.argmax() + 1]))
    return Picture(
        f"shortage-{buyer_id}",
        f"How likely {name} is short on each date, and how much of the use is then not met.",
        f"{name} is short in {words.percent(ever)} of the futures at some time, most often about "
        f"{words.day(worst)}, in {words.percent(risk.max())} of them.",
        (_WIDTH_IN, 3.4),
        lambda ax: plot.shortage(outlook, buyer_id, ax=ax),
    )


def _price(outlook: Outlook, outcome: Outcome | None) -> Picture:
    last = outlook.steps["price_usd_per_t"].iloc[-1]
    observed = None
    if outcome is not None:
        observed = outcome.select("price_usd_per_t", f"markets.{outlook.case.commodity}")
    low, middle, high = (_text.shown(last[level]) for level in ("q05", "q50", "q95"))
    return Picture(
        "price",
        "The price from the last quote on: the median of all futures, half of them, 90 % of them"
        + ("; dots are quotes that came later, all on one path." if observed else "."),
        f"Fan of the price of {outlook.case.commodity}. At its end 90 % of the futures lie "
        f"between {low} and {high} USD/t, the median at {middle}.",
        (_WIDTH_IN, 4.2),
        lambda ax: plot.fan(outlook, "price_usd_per_t", observed=observed or None, ax=ax),
    )


def _buyers(outlook: Outlook) -> Picture:
    buyers = outlook.exposures
    costs = [
        f"{name} {words.dollars(cost)}"
        for name, cost in zip(buyers["name"], buyers["expected_cost_usd"], strict=True)
    ]
    return Picture(
        "buyers",
        "What the new disruptions cost each buyer, against the same futures without them.",
        f"Bars by buyer. Expected cost of dearer metal: {words.listed(costs)}.",
        (_WIDTH_IN, 1.3 + 0.55 * 2 * len(costs)),
        lambda ax: plot.buyers(outlook, ax=ax),
    )


@contextmanager
def _own_style() -> Iterator[None]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    fonts = ["DejaVu Sans", *(name for name in _OTHER_LETTERS if name in installed)]
    with mpl.style.context(["default", _STYLE | {"font.family": fonts}]), warnings.catch_warnings():
        # Boxes stand for letters that no font has; tables and captions have the name itself.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def _saved(figure: Figure, kind: str) -> bytes:
    # Neither a date nor a version: the same outlook gives the same bytes.
    nothing = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}[kind]
    buffer = io.BytesIO()
    with _own_style():
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=nothing)
    return buffer.getvalue()
