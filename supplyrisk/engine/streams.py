"""Random numbers by name: each quantity of each hazard has a stream of its own.

A stream is keyed by the seed, the block of scenarios, and the names of what it is for. Adding,
removing or reordering hazards and sites therefore leaves all other draws as they were, and two
variants of a case meet the same futures.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

BLOCK_SIZE: Final = 2_048
"""Scenarios that share a stream; part of what a seed means, so never an option.

Small enough that a block's arrays stay near the processor: with 16,384 the first simulation of a
process took four times the memory and half as long again.
"""


@dataclass(frozen=True, slots=True)
class Streams:
    """The random numbers of one block of scenarios.

    Attributes
    ----------
    seed
        Seed of the simulation.
    block
        Number of the block.
    """

    seed: int
    block: int

    def stream(self, *names: str) -> np.random.Generator:
        """Return the stream of a quantity, such as ``stream("hazard", "kivu", "times")``.

        Parameters
        ----------
        *names : str
            What the stream is for.

        Returns
        -------
        numpy.random.Generator
            Each element of a sequence drawn from it is the same however long the sequence is, so
            a block that is cut short holds the first scenarios of the whole block.
        """
        # Lengths before the names: ("ab", "c") and ("a", "bc") must not meet.
        key = "|".join(f"{len(word)}:{word}" for word in (str(self.seed), str(self.block), *names))
        words = np.frombuffer(hashlib.blake2b(key.encode(), digest_size=32).digest(), dtype="<u4")
        sequence = np.random.SeedSequence([int(word) for word in words])
        return np.random.Generator(np.random.SFC64(sequence))


def seed_of(rng: int | np.random.Generator | None) -> int:
    """Return the seed that stands for what the user gave.

    Parameters
    ----------
    rng : int, numpy.random.Generator or None
        A seed; a generator, from which one is drawn; or nothing, for a fresh one.

    Returns
    -------
    int
        A seed, at least 0; given again as `rng`, it repeats the simulation.

    Raises
    ------
    TypeError
        If `rng` is none of these.
    ValueError
        If `rng` is a negative number.
    """
    if rng is None:
        rng = np.random.default_rng()
    if isinstance(rng, np.random.Generator):
        return int(rng.integers(2**63))
    if isinstance(rng, bool | np.bool) or not hasattr(rng, "__index__"):
        raise TypeError(
            f"rng must be a whole number >= 0, a numpy.random.Generator or None, got {rng!r}"
        )
    seed = rng.__index__()
    if seed < 0:
        raise ValueError(f"rng must be a whole number >= 0, got {rng!r}")
    return seed
