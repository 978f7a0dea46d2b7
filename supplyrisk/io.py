"""Results to files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from supplyrisk import _files
from supplyrisk.explanation import ongoing_table

if TYPE_CHECKING:
    import os

    import pandas as pd

    from supplyrisk.engine.outlook import Outlook


def tables(outlook: Outlook) -> dict[str, pd.DataFrame]:
    """Return every table of an outlook by name, each with plain columns.

    Parameters
    ----------
    outlook : Outlook
        The simulated futures.

    Returns
    -------
    dict of str to pandas.DataFrame
        Tables without the empty ones; the index is the first column where it has a name.
    """
    steps = outlook.steps.copy()
    steps.columns = ["_".join(names) for names in steps.columns]
    steps.index = steps.index.astype(str).rename("date")
    found = {
        "summary": outlook.summary(),
        "ongoing": ongoing_table(outlook.case),
        "sites": outlook.sites.reset_index(),
        "steps": steps.reset_index(),
        "exposures": outlook.exposures.reset_index(),
        "contributions_by_site": outlook.contributions("site").reset_index(),
        "contributions_by_country": outlook.contributions("country").reset_index(),
        "contributions_by_peril": outlook.contributions("peril").reset_index(),
        "contributions_by_threat": outlook.contributions("threat").reset_index(),
    }
    if outlook.result.markets:
        found["conservation"] = outlook.conservation().reset_index()
    if outlook.case.commodity in outlook.result.markets:
        found["market_balance"] = outlook.market_balance().reset_index()
    if outlook.has_events:
        found["policies"] = outlook.policies().reset_index()
    return {name: table for name, table in found.items() if len(table)}


def write_tables(outlook: Outlook, folder: str | os.PathLike[str]) -> list[Path]:
    """Write every table of an outlook as CSV, and its provenance as JSON.

    Parameters
    ----------
    outlook : Outlook
        The simulated futures.
    folder : path-like
        Folder that exists.

    Returns
    -------
    list of Path
        The files written. The same case, seed and versions give the same bytes.
    """
    base = Path(folder)
    # No decimals are cut off, and no clock is read: two runs can be compared byte by byte.
    written = [
        _files.write_text(base / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
        for name, table in tables(outlook).items()
    ]
    record = json.dumps(asdict(outlook.provenance), indent=2, sort_keys=True) + "\n"
    return [*written, _files.write_text(base / "provenance.json", record)]
