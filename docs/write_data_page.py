"""Write the pages on data and on readers from the bundled tables and the schemas.

Run it from anywhere after a change of either; a folder as first argument writes elsewhere.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from supplyrisk import data
from supplyrisk.data.schema import schema, schema_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

    from supplyrisk.data.schema import Schema

HERE = Path(__file__).parent
MARK = "<!-- generated -->"
FORMATS = {
    "read_ucdp_ged": ["ucdp_ged"],
    "read_acled": ["acled"],
    "read_ipis_mines": ["ipis_mines"],
    "read_wgi": ["wgi", "wgi_wide", "wgi_databank", "wgi_2025"],
    "read_pink_sheet": ["pink_sheet"],
    "read_usgs_mcs": ["usgs_mcs", "usgs_mcs_world", "usgs_mcs_2026"],
    "read_baci": ["baci"],
    "read_comtrade": ["comtrade", "comtrade_legacy"],
    "read_cmrt": ["cmrt", "cmrt_smelters"],
    "read_production": ["plain_production"],
    "read_suppliers": ["plain_suppliers"],
    "read_daily_prices": ["plain_daily_prices"],
}
"""Readers, and the layouts they take."""


def pages() -> dict[str, str]:
    """Return each page by its name: the prose, with what is generated in the place of its mark."""
    written = {}
    for name, lines in (("data", on_tables()), ("readers", on_formats())):
        before, after = (HERE / f"{name}_prose.txt").read_text(encoding="utf-8").split(MARK)
        written[f"{name}.md"] = before + "\n".join(lines) + after
    return written


def on_tables() -> Iterator[str]:
    """Yield the lines of the page on data."""
    yield from bundled()
    yield from left_out()
    yield from publishers()


def on_formats() -> Iterator[str]:
    """Yield the lines of the page on readers: the columns of every layout."""
    yield from given()
    for reader, layouts in FORMATS.items():
        yield f"## {reader}"
        yield ""
        yield summary(reader)
        for layout in layouts:
            yield ""
            yield f"`{layout}`:"
            yield ""
            yield from columns(schema(layout, of="formats"))
        yield ""


def given() -> Iterator[str]:
    """Yield the tables that readers give and that hold nothing by themselves."""
    yield "## Tables that readers give"
    for name in schema_names():
        if name not in data.table_names():
            yield ""
            yield f"### {name}"
            yield ""
            yield from columns(schema(name))
    yield ""


def bundled() -> Iterator[str]:
    """Yield a section for each table: what it holds and its columns."""
    yield "## Bundled tables"
    yield ""
    names = data.table_names()
    yield f"{len(names)} tables, each by the function of its name."
    yield "Columns marked * tell rows apart; those in italics may be blank."
    for name in names:
        frame = data.table(name)
        yield ""
        yield f"### {name}"
        yield ""
        yield f"`sr.data.{name}()`: {summary(name)} {len(frame):,} rows."
        yield ""
        yield from columns(schema(name))


def columns(held: Schema) -> Iterator[str]:
    """Yield the columns of a schema."""
    yield "| column | type | unit | meaning |"
    yield "|---|---|---|---|"
    for column in held.columns:
        shown = f"`{column.name}`" if column.required else f"*`{column.name}`*"
        star = " \\*" if column.key else ""
        kind = column.type.replace("choice: ", "").replace(" | ", ", ")
        cells = (
            shown + star,
            f"{kind}; {column.dtype}",
            column.unit,
            column.description,
        )
        yield row(cells)


def left_out() -> Iterator[str]:
    """Yield what is not bundled, and why."""
    sources = data.sources()
    yield ""
    yield "## What was left out, and why"
    yield ""
    yield "| publisher | title | licence | why |"
    yield "|---|---|---|---|"
    for source in records(sources[~sources["shipped"]]):
        yield row([source["publisher"], source["title"], source["licence"], source["left_out"]])


def publishers() -> Iterator[str]:
    """Yield every source that figures were taken from."""
    sources = data.sources()
    yield ""
    yield "## Sources"
    yield ""
    yield "| source | publisher | title | published | licence | not taken |"
    yield "|---|---|---|---|---|---|"
    for source in records(sources[sources["shipped"]]):
        title = source["title"]
        if source["url"]:
            title = f"[{title}]({source['url']})"
        if source["acknowledgement"]:
            title += f" {source['acknowledgement']}"
        yield row(
            [
                f"`{source['source_id']}`",
                source["publisher"],
                title,
                source["published"],
                source["licence"],
                source["left_out"],
            ]
        )


def summary(name: str) -> str:
    """Return the first line of what a function says of itself."""
    return (getattr(data, name).__doc__ or "").strip().splitlines()[0]


def records(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return rows as text, blank where there is none."""
    days = frame["published"].dt.strftime("%Y-%m-%d")
    return frame.assign(published=days).astype(object).fillna("").to_dict("records")


def row(cells: Iterable[str]) -> str:
    """Return a line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    for page, text in pages().items():
        (folder / page).write_text(text, encoding="utf-8")
