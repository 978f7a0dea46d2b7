"""Draw the README's picture: the simulated tin price, and what was then quoted.

Run it from anywhere; a path as first argument draws to another place.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl

import supplyrisk as sr

WIDTH_PX, HEIGHT_PX = 1400, 760
DPI = 175  # text stays readable when the picture is shown at 800 pixels
PICTURE = Path(__file__).parent / "images" / "walikale-price.png"


def draw(path: Path) -> None:
    """Draw the picture as a PNG file; the same bytes each time."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415 - after the choice of a backend

    quotes = sr.load_outcome("walikale-2025").select("price_usd_per_t")
    case = sr.load_case("walikale-2025")
    # The quarter that has quotes, in steps of one day.
    case = case.with_values({"step_days": 1, "horizon_days": 92})
    outlook = sr.simulate(case, n_scenarios=10_000, rng=7)
    with plt.style.context("default"):
        size = (WIDTH_PX / DPI, HEIGHT_PX / DPI)
        figure, ax = plt.subplots(figsize=size, dpi=DPI, layout="constrained")
        figure.patch.set_facecolor("white")
        sr.plot.fan(outlook, "price_usd_per_t", observed=quotes, ax=ax)
        # No software version and no date in the file.
        figure.savefig(path, dpi=DPI, metadata={"Software": None})
        plt.close(figure)


if __name__ == "__main__":
    draw(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
