"""Finished blocks in a folder, so that a simulation that was killed goes on where it stood."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from supplyrisk import _files
from supplyrisk.engine.contributions import GROUPS, Sums
from supplyrisk.engine.event_store import EventFile, event_file
from supplyrisk.engine.exposures import BuyerLosses, BuyerSteps
from supplyrisk.engine.markets import MarketResult
from supplyrisk.engine.results import BlockResult, EventRows
from supplyrisk.errors import Fault, InvalidInputError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

IDENTITY: Final = "simulation.json"
"""What the blocks of a folder are of."""
_DIGEST_SIZE: Final = 32
_EVENTS: Final = "events.digest"
_N_ROWS: Final = "events.n_rows"
_PLAIN: Final = ("lost_t", "largest_loss_t", "supply_t")
_BUYER: Final = tuple(field.name for field in fields(BuyerLosses))
_MARKET: Final = tuple(
    field.name for field in fields(MarketResult) if field.name not in {"buyers", "buyer_steps"}
)


class Checkpoint:
    """A folder of finished blocks.

    Parameters
    ----------
    folder : path-like
        Folder; made if there is none.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._of = ""

    def seed(self) -> int | None:
        """Return the seed of the simulation that the folder holds, if it holds one."""
        held = self._identity()
        return None if held is None else int(held["seed"])

    def open(self, identity: Mapping[str, Any]) -> None:
        """Make the folder that of a simulation, or find that it is.

        Parameters
        ----------
        identity : mapping
            What its blocks depend on, as JSON can hold it.

        Raises
        ------
        InvalidInputError
            If the folder holds blocks of another simulation, or files of something else.
        """
        self._of = json.dumps(dict(identity), indent=1) + "\n"
        held = self._identity()
        if held is None:
            if self.folder.exists() and (not self.folder.is_dir() or self._holds_others()):
                rule = f"must be empty or hold a {IDENTITY} of ours"
                raise InvalidInputError("simulate", [Fault("checkpoint", rule, str(self.folder))])
            self.folder.mkdir(parents=True, exist_ok=True)
            _files.write_text(self.folder / IDENTITY, self._of)
            return
        faults = [
            Fault(f"checkpoint {name}", f"must be that of this simulation, {value}", held.get(name))
            for name, value in identity.items()
            if held.get(name) != value
        ]
        if faults:
            raise InvalidInputError(str(self.folder), faults)

    def save(self, block: int, result: BlockResult, events: EventFile | None = None) -> None:
        """Write a finished block, whole or not at all.

        Parameters
        ----------
        block : int
            Its number.
        result : BlockResult
            Its results.
        events : EventFile, optional
            File of the folder that holds its events; it is whole, and vouched for from here on.
        """
        held = _arrays(result if events is None else result.without_events())
        if events is not None:
            held[_EVENTS] = np.frombuffer(_digest_of(events.path), dtype=np.uint8)
            held[_N_ROWS] = np.array(events.n_rows)
        file = io.BytesIO()
        np.savez(file, **held)
        data = file.getvalue()
        _files.write_bytes(self._path(block), data + self._digest(block, data))

    def load(self, block: int) -> tuple[BlockResult, EventFile | None] | None:
        """Read a finished block.

        Parameters
        ----------
        block : int
            Its number.

        Returns
        -------
        tuple of BlockResult and EventFile, or None
            Its results, and the file of its events where they are not among them; None if the
            block or that file is not there.

        Raises
        ------
        InvalidInputError
            If a file is damaged, or that of another block or simulation.
        """
        path = self._path(block)
        if not path.exists():
            return None
        whole = path.read_bytes()
        data, digest = whole[:-_DIGEST_SIZE], whole[-_DIGEST_SIZE:]
        if digest != self._digest(block, data):
            raise _damaged(path)
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        result = _result(held)
        if _EVENTS not in held:
            return result, None
        events = EventFile(event_file(self.folder, block, len(result.lost_t)), int(held[_N_ROWS]))
        if not events.path.exists():
            return None
        if _digest_of(events.path) != held[_EVENTS].tobytes():
            raise _damaged(events.path)
        return result, events

    def _digest(self, block: int, data: bytes) -> bytes:
        """Return what stands behind the bytes of a block: numpy's reader lets damage through."""
        digest = hashlib.blake2b(f"{self._of}{block}\n".encode(), digest_size=_DIGEST_SIZE)
        digest.update(data)
        return digest.digest()

    def _holds_others(self) -> bool:
        # A run that was killed early leaves but the draft of its first file.
        return any(not path.name.startswith(f".{IDENTITY}.") for path in self.folder.iterdir())

    def _path(self, block: int) -> Path:
        return self.folder / f"block-{block:06d}.npz"

    def _identity(self) -> dict[str, Any] | None:
        path = self.folder / IDENTITY
        if not path.is_file():
            return None
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            rule = "must be what a simulation wrote"
            raise InvalidInputError("simulate", [Fault("checkpoint", rule, str(path))]) from error
        if not isinstance(held, dict) or not isinstance(held.get("seed"), int):
            rule = "must be what a simulation wrote"
            raise InvalidInputError("simulate", [Fault("checkpoint", rule, str(path))])
        return held


def _digest_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").digest()


def _damaged(path: Path) -> InvalidInputError:
    rule = "must be a whole block of this simulation: remove it, it will be run anew"
    return InvalidInputError("simulate", [Fault("checkpoint", rule, str(path))])


def _arrays(result: BlockResult) -> dict[str, Any]:
    """Return the arrays of a block by name."""
    held = {name: getattr(result, name) for name in _PLAIN}
    held |= {f"rows.{field.name}": getattr(result.rows, field.name) for field in fields(EventRows)}
    held |= {f"sums.{by}": np.stack(parts) for by, parts in result.sums.items()}
    for commodity, market in result.markets.items():
        here = f"markets.{commodity}"
        held |= {f"{here}.{name}": getattr(market, name) for name in _MARKET}
        for buyer_id, lost in market.buyers.items():
            for name in _BUYER:
                held[f"{here}.buyers.{buyer_id}.{name}"] = getattr(lost, name)
            held[f"{here}.buyers.{buyer_id}.steps"] = np.stack(market.buyer_steps[buyer_id])
    return held


def _result(held: Mapping[str, NDArray[Any]]) -> BlockResult:
    plain: dict[str, Any] = {name: held[name] for name in _PLAIN}
    rows = EventRows(**{field.name: held[f"rows.{field.name}"] for field in fields(EventRows)})
    commodities = dict.fromkeys(name.split(".")[1] for name in held if name.startswith("markets."))
    return BlockResult(
        **plain,
        rows=rows,
        markets={commodity: _market(held, f"markets.{commodity}") for commodity in commodities},
        sums={by: Sums(*held[f"sums.{by}"]) for by in GROUPS},
    )


def _market(held: Mapping[str, NDArray[Any]], here: str) -> MarketResult:
    inside = f"{here}.buyers."
    buyers = dict.fromkeys(
        name.removeprefix(inside).split(".")[0] for name in held if name.startswith(inside)
    )
    plain: dict[str, Any] = {name: held[f"{here}.{name}"] for name in _MARKET}
    return MarketResult(
        **plain,
        buyers={
            buyer_id: BuyerLosses(**{name: held[f"{inside}{buyer_id}.{name}"] for name in _BUYER})
            for buyer_id in buyers
        },
        buyer_steps={
            buyer_id: BuyerSteps(*held[f"{inside}{buyer_id}.steps"]) for buyer_id in buyers
        },
    )
