"""Write the page on data from the bundled tables and their schemas.

Run it from anywhere after a change of a table; a path as first argument writes elsewhere.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from supplyrisk import data
from supplyrisk.data.schema import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd

HERE = Path(__file__).parent
PAGE = HERE / "data.md"
PROSE = HERE / "data_prose.txt"
MARK = "<!-- tables -->"


def page() -> str:
    """Return the page: the prose, with the tables in the place of its mark."""
    before, after = PROSE.read_text(encoding="utf-8").split(MARK)
    return before + "\n".join(generated()) + after


def generated() -> Iterator[str]:
    """Yield the lines that come from the tables."""
    yield from bundled()
    yield from left_out()
    yield from publishers()


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
        yield from columns(name)


def columns(name: str) -> Iterator[str]:
    """Yield the columns of a table."""
    yield "| column | type | unit | meaning |"
    yield "|---|---|---|---|"
    for column in schema(name).columns:
        shown = f"`{column.name}`" if column.required else f"*`{column.name}`*"
        star = " *" if column.key else ""
        kind = column.type.replace("choice: ", "").replace(" | ", ", ")
        cells = (
            shown + star.replace("*", "\\*"),
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
    """Return the first sentence of a table's function."""
    return (getattr(data, name).__doc__ or "").strip().splitlines()[0]


def records(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return rows as text, blank where there is none."""
    days = frame["published"].dt.strftime("%Y-%m-%d")
    return frame.assign(published=days).astype(object).fillna("").to_dict("records")


def row(cells: Iterable[str]) -> str:
    """Return a line of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    target.write_text(page(), encoding="utf-8")
