"""Pictures: each function takes axes, or makes some, and returns them.

Nothing is shown, saved or styled for others, and nothing is computed that an outlook or a metric
already gives.
"""

from supplyrisk.plot.bars import buyers, contributions
from supplyrisk.plot.curves import exceedance
from supplyrisk.plot.depletion import shortage, stocks
from supplyrisk.plot.fans import fan
from supplyrisk.plot.lengths import durations, foretold
from supplyrisk.plot.matrix import criticality
from supplyrisk.plot.sitemap import site_map
from supplyrisk.plot.timelines import timeline

__all__ = [
    "buyers",
    "contributions",
    "criticality",
    "durations",
    "exceedance",
    "fan",
    "foretold",
    "shortage",
    "site_map",
    "stocks",
    "timeline",
]
