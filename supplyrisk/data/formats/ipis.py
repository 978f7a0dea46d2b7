"""Reader of the open data of IPIS on artisanal mine sites."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

from supplyrisk.data.formats import _events
from supplyrisk.data.formats._events import Format
from supplyrisk.data.schema import Schema, schema

if TYPE_CHECKING:
    import pandas as pd

    from supplyrisk.errors import Fault

__all__ = ["read_ipis_mines"]

# What every release has and no other table; the questionnaires between them differ.
_CORE: Final = ("pcode", "name", "visit_date", "longitude", "latitude", "mineral1")
_FLAGS: Final = {"1": "true", "1.0": "true", "0": "false", "0.0": "false"}


def read_ipis_mines(
    path: str | os.PathLike[str], *, encoding: str | None = None, decimal: str = "."
) -> pd.DataFrame:
    """Read the visits of IPIS to artisanal mine sites in eastern DR Congo, one row per visit.

    Parameters
    ----------
    path : str or path-like
        CSV file as published, ``cod_mines_curated_all_opendata_p_ipis``.
    encoding : str, optional
        Encoding of the file; by default its byte-order mark, or else UTF-8.
    decimal : str, default "."
        Decimal mark of the coordinates, ``","`` in files that a spreadsheet wrote anew.

    Returns
    -------
    pandas.DataFrame
        The columns of the schema ``ipis_mines`` in its order, blank where a release lacks them;
        then every other named column of the file as text, by name.  Visits in the order of the
        file.  Answers of 1 and 0 become true and false.

    Raises
    ------
    ValueError
        If the encoding or the decimal mark is none.
    InvalidInputError
        If a column that every release has is missing, a cell breaks a rule, or a visit comes
        twice; every fault is named.
    OSError
        If the file cannot be read.

    Notes
    -----
    Publisher: International Peace Information Service (IPIS), Antwerp; open data on DR Congo since
    2017, Open Data Commons Attribution License (ODC-BY 1.0): name IPIS where the data are used.
    Only the columns pcode, name, visit_date, longitude, latitude and mineral1 must be there.

    Names of minerals, services and groups are French, as published: ``Or`` is gold, ``Cassitérite``
    the ore of tin.  A visit shows its day: a group seen years ago may be gone.  The coordinates
    are those of the visit or of an older source, see ``source``.

    References
    ----------
    .. [1] https://ipisresearch.be/home/maps-data/open-data/
    """
    columns = schema("ipis_mines", of="formats")
    format_ = Format(
        title="the mine sites of IPIS",
        schema=columns,
        core=_CORE,
        prepare=partial(_prepare, columns=columns),
    )
    return _events.read_dated(path, format_, encoding=encoding, decimal=decimal)


def _prepare(chunk: pd.DataFrame, *, columns: Schema) -> Iterable[Fault]:
    flags = [column.name for column in columns.columns if column.type == "flag"]
    _events.rewrite(chunk, flags, lambda text: _FLAGS.get(text.strip(), text))
    _events.rewrite(chunk, ("visit_date",), _events.day_of)
    return []
