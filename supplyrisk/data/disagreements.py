"""Where sources disagree: figures gathered one by one, and editions that were revised."""

from __future__ import annotations

import pandas as pd

from supplyrisk import _validation as check
from supplyrisk.data.schema import schema
from supplyrisk.data.tables import table
from supplyrisk.errors import InvalidInputError

_NAME = "discrepancies"
_TOPIC = ["commodity", "stage", "country", "year"]


def discrepancies(commodity: str | None = None) -> pd.DataFrame:
    """Where sources disagree: a row for each source of a figure.

    Parameters
    ----------
    commodity : str, optional
        Commodity; all by default.

    Returns
    -------
    pandas.DataFrame
        Columns of the table ``discrepancies``; rows of one ``topic_id`` tell of one figure. The
        gathered rows, and every output of a country or of the world (country blank) that editions
        give differently, of which the newest is preferred.

    Raises
    ------
    InvalidInputError
        If no disagreement about it is recorded.

    Examples
    --------
    >>> tin = discrepancies("tin")
    >>> myanmar = tin[(tin["country"] == "MMR") & (tin["year"] == 2024)]
    >>> {18_750.0, 20_000.0, 34_000.0} <= set(myanmar["value"])
    True
    """
    gathered = table(_NAME)
    frame = pd.concat([gathered, _revised(set(gathered["topic_id"]))], ignore_index=True)
    frame = schema(_NAME).check(frame, what=_NAME).sort_values(["topic_id", "source_id"])
    if commodity is not None:
        faults = [*check.choice("commodity", commodity, sorted(frame["commodity"].unique()))]
        if faults:
            raise InvalidInputError(f"data.{_NAME}", faults)
        frame = frame[frame["commodity"] == commodity]
    return frame.reset_index(drop=True)


def _revised(gathered: set[str]) -> pd.DataFrame:
    """Return the outputs that editions give differently, or that a gathered row contradicts."""
    world = table("production_totals").rename(columns={"world_t": "value"})
    world["country"] = ""
    parts = table("production").rename(columns={"production_t": "value"})
    shown = [*_TOPIC, "source_id", "value", "standing"]
    frame = pd.concat([parts[shown].astype({"country": object}), world[shown]], ignore_index=True)
    places = frame["country"].str.lower().replace("", "world")
    frame["topic_id"] = (
        frame["commodity"] + "-" + frame["stage"] + "-" + places + "-" + frame["year"].astype(str)
    )
    differ = frame.groupby("topic_id")["value"].transform("nunique") > 1
    frame = frame[differ | frame["topic_id"].isin(gathered)]
    published = frame["source_id"].map(table("sources").set_index("source_id")["published"])
    newest = published == published.groupby(frame["topic_id"]).transform("max")
    return pd.DataFrame(
        {
            "topic_id": frame["topic_id"],
            "commodity": frame["commodity"],
            "country": frame["country"],
            "year": frame["year"],
            "quantity": frame["stage"] + "_production",
            "value": frame["value"],
            "unit": "t",
            "source_id": frame["source_id"],
            "standing": frame["standing"],
            "preferred": newest,
        }
    )
