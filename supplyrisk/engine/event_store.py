"""The event loss table of a simulation: in memory while it is small, then in Parquet files.

Finished blocks hand in their rows one by one, so that no more than one block's are held at a time
once they go to files. Whoever reads the table reads it block by block too, and finds the same bits
wherever they lie. pyarrow is imported only when a file is written or read.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
import warnings
import weakref
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from supplyrisk import _files, _optional
from supplyrisk.engine.results import EventRows, no_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import ModuleType

    from numpy.typing import NDArray

    from supplyrisk.engine.plan import Plan

ROWS_IN_MEMORY: Final = 1_000_000
"""Rows of events that are held in memory, 80 MB; a larger table goes to files."""
METADATA_KEY: Final = b"supplyrisk"
"""Key of a file's metadata under which stands, as JSON, which simulation it is of."""
_ROWS_AT_A_TIME: Final = 131_072
"""Rows that are read together, and that stand together in a file."""
# Numbers that hardly repeat, such as tonnes, only lose time when a dictionary is tried.
_REPEATING: Final = (
    *("threat", "kind", "peril", "site_id", "threat_index", "site_index"),
    *("ramp_days", "severity"),
)
_COLUMNS: Final = {
    field.name: {"threat": "threat_index", "site": "site_index"}.get(field.name, field.name)
    for field in fields(EventRows)
}
"""Column of a file for each field of `EventRows`."""


@dataclass(frozen=True, slots=True)
class EventFile:
    """Event rows of one block in a file.

    Attributes
    ----------
    path
        The Parquet file.
    n_rows
        Number of its rows.
    """

    path: Path
    n_rows: int


class TemporaryFolder:
    """A folder that goes with the last object that holds this one, or with the interpreter.

    Attributes
    ----------
    path
        The folder.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="supplyrisk-events-"))
        weakref.finalize(self, _remove, self.path, os.getpid())


def _remove(folder: Path, made_by: int) -> None:
    if os.getpid() == made_by:  # a forked copy of the process is not the one to clear up
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True, eq=False)
class EventTable:
    """The event loss table of an outlook, block by block.

    Attributes
    ----------
    sizes
        Scenarios of each block.
    parts
        Rows of each block, or the file that holds them.
    about
        Which simulation the files must be of.
    folder
        What keeps temporary files in place; none where there are none.
    """

    sizes: tuple[int, ...]
    parts: tuple[EventRows | EventFile, ...]
    about: str
    folder: TemporaryFolder | None

    @property
    def files(self) -> tuple[Path, ...]:
        """The Parquet files that hold the table; none if it is in memory."""
        return tuple(part.path for part in self.parts if isinstance(part, EventFile))

    def rows(self) -> EventRows:
        """Return the whole table, sorted by block.

        Returns
        -------
        EventRows
            Rows of every block.

        Raises
        ------
        OSError
            If a file is gone.
        ValueError
            If a file is that of another simulation.
        """
        n = sum(_n_rows(part) for part in self.parts)
        return _filled(n, (rows for part in self.parts for rows in self._read(part)))

    def of_sites(self, *sites: int) -> Iterator[tuple[int, int, EventRows]]:
        """Give the rows of some sites, a block at a time.

        Parameters
        ----------
        *sites : int
            Sites of the plan.

        Yields
        ------
        tuple of int, int and EventRows
            First scenario of a block, number of its scenarios, and the sites' rows in it.

        Raises
        ------
        OSError
            If a file is gone.
        ValueError
            If a file is that of another simulation.
        """
        first = 0
        for n, part in zip(self.sizes, self.parts, strict=True):
            found = [
                _taken(rows, np.flatnonzero(np.isin(rows.site, sites))) for rows in self._read(part)
            ]
            yield first, n, _filled(sum(map(_n_rows, found)), found)
            first += n

    def _read(self, part: EventRows | EventFile) -> Iterator[EventRows]:
        if isinstance(part, EventRows):
            yield part
            return
        parquet = _parquet(f"read the events in {part.path.parent}")
        with parquet.ParquetFile(part.path) as file:
            if (file.schema_arrow.metadata or {}).get(METADATA_KEY, b"").decode() != self.about:
                raise ValueError(
                    f"{part.path} must hold events of this outlook, and holds those of another "
                    "simulation"
                )
            names = list(_COLUMNS.values())
            for batch in file.iter_batches(_ROWS_AT_A_TIME, columns=names, use_threads=False):
                yield EventRows(**{field: _array(batch, name) for field, name in _COLUMNS.items()})


class EventStore:
    """Event rows of the blocks of a simulation while it runs.

    A block that is run again with more scenarios is another one here, so that an outlook finds the
    rows of exactly the scenarios that it counts, whenever the simulation was interrupted.

    Parameters
    ----------
    plan : Plan
        The case as arrays.
    about : mapping
        What the rows depend on, as JSON can hold it; it stands in the metadata of every file.
    folder : path, optional
        Folder of a checkpoint, for the files of blocks that it vouches for.
    """

    def __init__(self, plan: Plan, about: Mapping[str, Any], folder: Path | None = None) -> None:
        self._plan, self._folder = plan, folder
        self._about = json.dumps(dict(about))
        self._temporary: TemporaryFolder | None = None
        self._rows: dict[tuple[int, int], EventRows] = {}
        self._files: dict[tuple[int, int], EventFile] = {}
        self._written: set[tuple[int, int]] = set()
        self._n_rows = 0
        self._warned = False

    def add(self, block: int, n: int, rows: EventRows, *, lasting: bool) -> EventFile | None:
        """Hold the rows of a finished block.

        Parameters
        ----------
        block : int
            Its number.
        n : int
            Its scenarios.
        rows : EventRows
            Its events; scenarios are counted from the first of the simulation.
        lasting : bool
            Whether they belong into the folder of the checkpoint, if there is one.

        Returns
        -------
        EventFile or None
            The file there, which is whole; None where pyarrow is missing or none was wanted.

        Warns
        -----
        UserWarning
            Once, if the table grows large and pyarrow is missing.
        """
        key = block, n
        if lasting and self._folder is not None and _can_write():
            self._files[key] = self._write(self._folder, key, rows)
            self._written.add(key)
            return self._files[key]
        self._rows[key] = rows
        self._n_rows += len(rows.scenario)
        if self._n_rows > ROWS_IN_MEMORY or self._temporary is not None:
            if _can_write():
                self._to_files(list(self._rows))
            elif not self._warned:
                self._warned = True
                warnings.warn(
                    f"more than {ROWS_IN_MEMORY:,} rows of events stay in memory: with pyarrow "
                    'they would go to files (pip install "supplyrisk[io]")',
                    stacklevel=6,  # the line that called simulate
                )
        return None

    def adopt(self, block: int, n: int, file: EventFile) -> None:
        """Hold the rows of a block that an earlier run left in a file.

        Parameters
        ----------
        block : int
            Its number.
        n : int
            Its scenarios.
        file : EventFile
            The file.

        Raises
        ------
        ImportError
            If pyarrow, which reads it, is missing.
        """
        _parquet(f"read the events in {file.path.parent}")
        self._files[block, n] = file

    def drop(self, block: int, n: int) -> None:
        """Forget a block that was run again with more scenarios, and its file if it wrote one."""
        key = block, n
        rows, file = self._rows.pop(key, None), self._files.pop(key, None)
        if rows is not None:
            self._n_rows -= len(rows.scenario)
        # A file that an earlier run left may be read by the outlook that it made.
        if file is not None and key in self._written:
            file.path.unlink(missing_ok=True)

    def table(self, sizes: Sequence[int]) -> EventTable:
        """Return the table of the first blocks: all of it in memory, or all in files.

        Parameters
        ----------
        sizes : sequence of int
            Scenarios of each block, from the first on.

        Returns
        -------
        EventTable
            Their rows.
        """
        keys = list(enumerate(sizes))
        held = [key for key in keys if key in self._rows]
        if len(held) < len(keys):
            self._to_files(held)
        parts = tuple(self._files.get(key) or self._rows[key] for key in keys)
        return EventTable(tuple(sizes), parts, self._about, self._temporary)

    def _to_files(self, keys: Iterable[tuple[int, int]]) -> None:
        if self._temporary is None:
            self._temporary = TemporaryFolder()
        for key in keys:
            self._files[key] = self._write(self._temporary.path, key, self._rows[key])
            self._written.add(key)
            self._n_rows -= len(self._rows.pop(key).scenario)

    def _write(self, folder: Path, key: tuple[int, int], rows: EventRows) -> EventFile:
        parquet, arrow = _parquet("write events"), import_module("pyarrow")
        schema = arrow.table(_columns(arrow, self._plan, no_rows())).schema
        sink, n = io.BytesIO(), len(rows.scenario)  # not arrow's memory, of which it keeps more
        with parquet.ParquetWriter(
            sink,
            schema.with_metadata({METADATA_KEY: self._about}),
            compression="zstd",
            use_dictionary=list(_REPEATING),
        ) as writer:
            for first in range(0, n, _ROWS_AT_A_TIME):
                some = _taken(rows, slice(first, first + _ROWS_AT_A_TIME))
                writer.write_table(arrow.table(_columns(arrow, self._plan, some)))
        path = event_file(folder, *key)
        _files.write_bytes(path, sink.getvalue())
        return EventFile(path, n)


def event_file(folder: Path, block: int, n: int) -> Path:
    """Return where the events of a block with so many scenarios stand in a folder."""
    return folder / f"events-{block:06d}-{n}.parquet"


def _parquet(to: str) -> ModuleType:
    """Return pyarrow's module for Parquet, or say which extra brings it."""
    _optional.need("pyarrow", extra="io", to=to)
    return import_module("pyarrow.parquet")


def _can_write() -> bool:
    try:
        _parquet("write events")
    except ImportError:
        return False
    return True


def _columns(arrow: ModuleType, plan: Plan, rows: EventRows) -> dict[str, Any]:
    """Return the columns of a file: those of `Outlook.events`, then places in the plan."""

    def named(values: Iterable[str], place: NDArray[np.intp]) -> Any:  # noqa: ANN401 - of pyarrow
        texts = [str(value) for value in values]
        code = {name: number for number, name in enumerate(sorted(set(texts)))}
        codes = np.array([code[text] for text in texts], dtype=np.int32)
        return arrow.DictionaryArray.from_arrays(codes[place], arrow.array(list(code), "string"))

    return {
        "scenario": rows.scenario,
        "threat": named((threat.name for threat in plan.threats), rows.threat),
        "kind": named((threat.kind for threat in plan.threats), rows.threat),
        "number": rows.number,
        "peril": named((threat.peril for threat in plan.threats), rows.threat),
        "site_id": named((site.site_id for site in plan.sites), rows.site),
        "start_days": rows.start_days,
        "outage_days": rows.outage_days,
        "ramp_days": rows.ramp_days,
        "severity": rows.severity,
        "alone_t": rows.alone_t,
        "lost_t": rows.lost_t,
        "threat_index": rows.threat.astype(np.int32),
        "site_index": rows.site.astype(np.int32),
    }


def _array(batch: Any, name: str) -> NDArray[Any]:  # noqa: ANN401 - of pyarrow
    values = batch.column(name).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.intp if values.dtype.kind == "i" else np.float64)


def _n_rows(part: EventRows | EventFile) -> int:
    return part.n_rows if isinstance(part, EventFile) else len(part.scenario)


def _taken(rows: EventRows, chosen: NDArray[np.intp] | slice) -> EventRows:
    return EventRows(*(getattr(rows, name)[chosen] for name in EventRows.__slots__))


def _filled(n: int, parts: Iterable[EventRows]) -> EventRows:
    """Return rows end to end, of which there are `n`; no two parts are held at a time."""
    none = no_rows()
    whole = {name: np.empty(n, getattr(none, name).dtype) for name in EventRows.__slots__}
    at = 0
    for rows in parts:
        end = at + _n_rows(rows)
        for name, values in whole.items():
            values[at:end] = getattr(rows, name)
        at = end
    return EventRows(**whole)
