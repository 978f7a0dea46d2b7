"""Seeds of many streams at once: each by a stable hash of its name, all mixed with a block.

`Streams` of the calendar makes its streams one by one, which costs more than the few thousand
numbers that a block of years takes from each. Here a name is hashed once for all blocks, and the
number of a block is mixed into the words of all names in one sweep.
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


class SeedTable:
    """Words of every stream of a simulation.

    Parameters
    ----------
    seed : int
        Seed of the simulation.
    names : iterable of tuple of str
        What the streams are for.
    """

    def __init__(self, seed: int, names: Iterable[Name]) -> None:
        self._place = {name: n for n, name in enumerate(dict.fromkeys(names))}
        digests = b"".join(_digest((str(seed), *name)) for name in self._place)
        words = np.frombuffer(digests, dtype="<u8").astype(np.uint64)
        self._words = words.reshape(len(self._place), N_WORDS)

    def places(self, names: Iterable[Name]) -> NDArray[np.intp]:
        """Return the places of names in the table, for `BlockSeeds.uniforms`."""
        return np.array([self._place[name] for name in names], dtype=np.intp)

    def block(self, number: int) -> BlockSeeds:
        """Return the streams of a block."""
        mark = np.uint64((number + 1) * _GOLDEN & _MASK)
        return BlockSeeds(self._place, _mixed(_mixed(self._words) + mark))


class BlockSeeds:
    """Streams of one block; made by `SeedTable`."""

    def __init__(self, place: dict[Name, int], words: Words) -> None:
        self._place = place
        self._words = words

    def stream(self, *name: str) -> np.random.Generator:
        """Return a stream from its start."""
        seed = _Given(self._words[self._place[name]])
        return np.random.Generator(np.random.SFC64(seed))  # type: ignore[arg-type]

    def uniforms(self, places: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return a uniform number in [0, 1) for each place, independent of its stream."""
        return np.asarray((self._words[places, -1] >> np.uint64(11)) * 2.0**-53)


def _digest(words: Name) -> bytes:
    # Lengths before the names: ("ab", "c") and ("a", "bc") must not meet.
    key = "|".join(f"{len(word)}:{word}" for word in words)
    return hashlib.blake2b(key.encode(), digest_size=8 * N_WORDS).digest()


def _mixed(words: Words) -> Words:
    """Scatter every bit of each word over the word: the finaliser of SplitMix64."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return words ^ (words >> np.uint64(31))
