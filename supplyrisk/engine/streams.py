"""Random numbers by name: each quantity of each hazard has a stream of its own.

A stream is keyed by the seed, the block of scenarios, and the names of what it is for. Adding,
removing or reordering hazards and sites therefore leaves all other draws as they were, and two
variants of a case meet the same futures. A name is hashed once for all blocks, and the number of a
block is mixed into the words of all names in one sweep: a stream costs no more than the few
hundred numbers that are taken from it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.random.bit_generator import ISeedSequence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Words = NDArray[np.uint64]
    Name = tuple[str, ...]

BLOCK_SIZE: Final = 10_000
"""Scenarios that share a stream on the calendar; part of what a seed means, so never an option."""
N_WORDS: Final = 4
"""Words of a stream: three for SFC64 and one for a uniform number of its own."""
_GOLDEN: Final = 0x9E37_79B9_7F4A_7C15
_MASK: Final = 2**64 - 1


class _Given(ISeedSequence):
    """A seed sequence whose words are given; it makes one stream."""

    __slots__ = ("_words",)

    def __init__(self, words: Words) -> None:
        self._words = words

    def generate_state(self, n_words: int, dtype: Any = np.uint64) -> Words:  # noqa: ANN401, ARG002
        """Return the words, which are as many as SFC64 asks for."""
        return self._words[:n_words]


class StreamTable:
    """Words of the streams of a simulation.

    Parameters
    ----------
    seed : int
        Seed of the simulation.
    names : iterable of tuple of str, optional
        What streams are wanted for in every block; others may be asked for by any name.
    """

    def __init__(self, seed: int, names: Iterable[Name] = ()) -> None:
        self._seed = seed
        self._place = {name: n for n, name in enumerate(dict.fromkeys(names))}
        self._words = _words(seed, self._place)

    def places(self, names: Iterable[Name]) -> NDArray[np.intp]:
        """Return the places of names in the table, for `Streams.uniforms`."""
        return np.array([self._place[name] for name in names], dtype=np.intp)

    def block(self, number: int) -> Streams:
        """Return the streams of a block."""
        mark = np.uint64((number + 1) * _GOLDEN & _MASK)
        return Streams(self._seed, mark, self._place, _in_block(self._words, mark))


class Streams:
    """Streams of one block; made by `StreamTable`."""

    def __init__(self, seed: int, mark: np.uint64, place: dict[Name, int], words: Words) -> None:
        self._seed, self._mark = seed, mark
        self._place, self._words = place, words

    def stream(self, *name: str) -> np.random.Generator:
        """Return the stream of a quantity, such as ``stream("hazard", "kivu", "arrivals")``.

        Parameters
        ----------
        *name : str
            What the stream is for.

        Returns
        -------
        numpy.random.Generator
            From its start. Each element of a sequence drawn from it is the same however long the
            sequence is, so a block that is cut short holds the first scenarios of the whole block.
        """
        place = self._place.get(name)
        if place is not None:
            return self.at(place)
        return _generator(_in_block(_words(self._seed, [name]), self._mark)[0])

    def at(self, place: int) -> np.random.Generator:
        """Return the stream at a place in the table."""
        return _generator(self._words[place])

    def uniforms(self, places: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return a uniform number in [0, 1) for each place, independent of its stream."""
        return np.asarray((self._words[places, -1] >> np.uint64(11)) * 2.0**-53)


def _generator(words: Words) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(_Given(words)))  # type: ignore[arg-type]


def _words(seed: int, names: Iterable[Name]) -> Words:
    """Hash names, shape (n_names, N_WORDS)."""
    digests = b"".join(_digest((str(seed), *name)) for name in names)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64).reshape(-1, N_WORDS)


def _digest(words: Name) -> bytes:
    # Lengths before the names: ("ab", "c") and ("a", "bc") must not meet.
    key = "|".join(f"{len(word)}:{word}" for word in words)
    return hashlib.blake2b(key.encode(), digest_size=8 * N_WORDS).digest()


def _in_block(words: Words, mark: np.uint64) -> Words:
    return _mixed(_mixed(words) + mark)


def _mixed(words: Words) -> Words:
    """Scatter every bit of each word over the word: the finaliser of SplitMix64."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return words ^ (words >> np.uint64(31))


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
