"""Cases, a random-case strategy, and slow answers for the bounds of origins."""

import datetime as dt
import itertools
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

import supplyrisk as sr

DAY = dt.date(2025, 1, 1)
TIN = {"commodity": "tin", "country": "MYS"}
MARKET = sr.Market(
    commodity="tin",
    price_usd_per_t=30_000,
    price_date=DAY,
    supply_tpa=380_000,
    demand_tpa=380_000,
    volatility_pa=0.27,
)


@dataclass(frozen=True)
class Chain:
    """The numbers of a case: production by site, capacity and yield by smelter, route shares."""

    mines: dict[str, float]
    works: dict[str, tuple[float, float]]
    roads: dict[tuple[str, str], float]
    demand: float
    sources: tuple[tuple[sr.Scope, float], ...] = ()

    def bounds(self, *smelters):
        """Ask for all the smelters unless some are named or the buyer has sources."""
        named = smelters or (None if self.sources else tuple(self.works))
        return sr.origin_bounds(case_of(self), "we", smelters=named).loc[list(self.mines)]

    def feed(self, mine, works):
        return self.roads.get((mine, works), 0.0) * self.mines[mine]

    def unknown(self, mine):
        said = sum(share for (origin, _), share in self.roads.items() if origin == mine)
        return max(0.0, 1.0 - said) * self.mines[mine]


def case_of(chain):
    """Return a case; a mine that produces nothing feeds every smelter, as a case asks for."""
    idle = sr.MineSite(site_id="idle", name="Idle", capacity_tpa=1.0, utilisation=0.0, **TIN)
    roads = {("idle", works): 1.0 / len(chain.works) for works in chain.works} | chain.roads
    return sr.Case(
        name="origins",
        start=DAY,
        sites=(
            idle,
            *(
                sr.MineSite(
                    site_id=name,
                    name=name,
                    capacity_tpa=tonnes or 1.0,
                    utilisation=float(tonnes > 0.0),
                    **TIN,
                )
                for name, tonnes in chain.mines.items()
            ),
        ),
        smelters=tuple(
            sr.Smelter(smelter_id=name, name=name, capacity_tpa=most, metal_yield=pure, **TIN)
            for name, (most, pure) in chain.works.items()
        ),
        routes=tuple(
            sr.Route(
                route_id=f"{origin}-{end}", from_id=origin, to_id=end, transit_days=10, share=share
            )
            for (origin, end), share in roads.items()
        ),
        markets=(MARKET,),
        exposures=(
            sr.CommodityExposure(
                buyer_id="we",
                name="We",
                commodity="tin",
                demand_tpa=chain.demand,
                sources=tuple(
                    sr.Supply(scope=scope, share=share) for scope, share in chain.sources
                ),
            ),
        ),
    )


tonnes = st.floats(0.1, 100.0)


@st.composite
def chains(draw, *, shares=False, most=3):
    """Draw a chain whose smelters can take what is known to reach them and make the demand."""
    n_mines, n_works = draw(st.integers(1, most)), draw(st.integers(1, most))
    mines = {f"mine-{k}": draw(tonnes) for k in range(n_mines)}
    names = [f"works-{k}" for k in range(n_works)]
    roads = {}
    for mine in mines:
        parts = draw(st.lists(st.floats(0.0, 1.0), min_size=n_works + 1, max_size=n_works + 1))
        whole = sum(parts) or 1.0
        for name, part in zip(names, parts, strict=False):
            if part > 0.01:
                roads[mine, name] = part / whole
    works = {}
    for name in names:
        known = sum(roads.get((mine, name), 0.0) * made for mine, made in mines.items())
        works[name] = (known + draw(tonnes), draw(st.floats(0.5, 1.0)))
    asked = {name: draw(st.floats(0.01, 1.0)) * most * y for name, (most, y) in works.items()}
    demand = sum(asked.values())
    sources = tuple((sr.Scope.smelter(name), part / demand) for name, part in asked.items())
    chain = Chain(mines, works, roads, demand, sources)
    return chain if shares else replace(chain, sources=())


def by_greed(chain, mine):
    """Least and most tonnes from a mine in closed form, where smelters alone are the sources."""
    asked = {scope.name: share * chain.demand for scope, share in chain.sources}
    else_metal = {
        name: pure * (most - chain.feed(mine, name)) for name, (most, pure) in chain.works.items()
    }
    room = {
        name: most - sum(chain.feed(other, name) for other in chain.mines)
        for name, (most, _) in chain.works.items()
    }
    left, held = chain.unknown(mine), {}
    if not asked:
        least = max(0.0, chain.demand - sum(else_metal.values()))
    else:
        least = sum(max(0.0, asked[name] - else_metal[name]) for name in asked)
    for name in sorted(chain.works, key=lambda name: -chain.works[name][1]):
        pure = chain.works[name][1]
        known = chain.feed(mine, name)
        useful = max(0.0, asked[name] / pure - known) if asked else np.inf
        more = min(left, max(0.0, room[name]), useful)
        left -= more
        held[name] = min(pure * (known + more), asked.get(name, np.inf))
    return least, min(chain.demand, sum(held.values()))


def by_vertices(chain, mine, *, others=()):
    """Least and most tonnes at the corners of all that is possible, each of them visited.

    `others` are (share, mines that it may come from, whether it may come from elsewhere).
    """
    origins, ways = [*chain.mines, "else"], [*chain.works, *range(len(others))]
    names = [("f", i, s) for i in origins for s in chain.works]
    names += [("z", i, c) for i in origins for c in ways]
    place = {name: k for k, name in enumerate(names)}

    def arrays(said):
        rows, bounds = np.zeros((len(said), len(names))), np.empty(len(said))
        for row, (terms, bound) in enumerate(said):
            bounds[row] = bound
            for name, factor in terms:
                rows[row, place[name]] += factor
        return rows, bounds

    limits = [*_of_smelters(chain, names), *_of_sites(chain, ways), *_of_others(chain, others)]
    corners = _corners(*arrays(limits), *arrays(list(_of_demand(chain, ways, others))))
    held = corners[:, [place["z", mine, c] for c in ways]].sum(axis=1)
    return held.min(), held.max()


def _of_smelters(chain, names):
    for name in names:
        known = chain.feed(*name[1:]) if name[0] == "f" and name[1] != "else" else 0.0
        yield [(name, -1.0)], -known
    origins = [*chain.mines, "else"]
    for s, (most, pure) in chain.works.items():
        yield [(("f", i, s), 1.0) for i in origins], most
        for i in origins:
            yield [(("z", i, s), 1.0), (("f", i, s), -pure)], 0.0


def _of_sites(chain, ways):
    for i in chain.mines:
        known = sum(chain.feed(i, s) for s in chain.works)
        yield [(("f", i, s), 1.0) for s in chain.works], chain.unknown(i) + known
        if len(ways) > len(chain.works):
            lost = [(("f", i, s), 1.0 - pure) for s, (_, pure) in chain.works.items()]
            yield [*[(("z", i, c), 1.0) for c in ways], *lost], chain.mines[i]


def _of_others(chain, others):
    for c, (_, mines, anywhere) in enumerate(others):
        for i in (*chain.mines, "else"):
            if not (anywhere if i == "else" else i in mines):
                yield [(("z", i, c), 1.0)], 0.0


def _of_demand(chain, ways, others):
    parts = {scope.name: share for scope, share in chain.sources if scope.kind == "smelter"}
    asked = [([c], part) for c, part in (parts | dict(enumerate(o[0] for o in others))).items()]
    for group, part in asked or [(ways, 1.0)]:
        yield (
            [(("z", i, c), 1.0) for i in (*chain.mines, "else") for c in group],
            (part * chain.demand),
        )


def _corners(rows, most, equal_rows, equal):
    free = rows.shape[1] - len(equal)
    picks = np.array(list(itertools.combinations(range(len(rows)), free)))
    fixed = np.broadcast_to(equal_rows, (len(picks), *equal_rows.shape))
    systems = np.concatenate([rows[picks], fixed], axis=1)
    values = np.concatenate([most[picks], np.broadcast_to(equal, (len(picks), len(equal)))], axis=1)
    sound = np.abs(np.linalg.det(systems)) > 1e-9
    found = np.linalg.solve(systems[sound], values[sound][..., np.newaxis])[..., 0]
    fits = (found @ rows.T <= most + 1e-9).all(axis=1)
    return found[fits]
