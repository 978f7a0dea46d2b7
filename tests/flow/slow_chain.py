"""A slow chain: one future, numbers one by one, as the equations say it; tests load it."""

import math


def table(rows, t, k, s, default=1.0):
    """Look up a share of the weather; where there is no table nothing is in the way."""
    return default if rows is None else float(rows[t][k][s])


class SlowTransit:
    """Shipments of a leg, kept for good; before the first they were as planned."""

    def __init__(self, planned_t, days, step_days):
        self.shipments = []
        self.planned_t, self.steps = planned_t, days / step_days
        self.under_way = planned_t * self.steps

    def shipped(self, t):
        return self.shipments[t] if t >= 0 else self.planned_t

    def pass_on(self, shipment):
        self.shipments.append(shipment)
        now, whole = len(self.shipments) - 1, math.floor(self.steps + 1e-9)
        rest = max(self.steps - whole, 0.0)
        arrived = (1.0 - rest) * self.shipped(now - whole) + rest * self.shipped(now - whole - 1)
        self.under_way += shipment - arrived
        return arrived


def dispatch(legs, node, ready, waiting, planned_t, parts, step_days):
    """Share out what is ready at a node among its legs; return shipments, and change who waits."""
    own = [k for k in range(len(legs.origin)) if legs.origin[k] == node]
    shipped = {}
    for k in [k for k in own if not legs.standby[k]]:
        there = waiting[k] + legs.share[k] * ready
        shipped[k] = min(there, legs.capacity[k] * step_days)
        if parts[k] < 1.0:
            shipped[k] = min(shipped[k], parts[k] * planned_t[k])
        waiting[k] = there - shipped[k]
    for k in [k for k in own if legs.standby[k]]:
        most = legs.capacity[k] * step_days
        most = most * parts[k] if math.isfinite(most) else (math.inf if parts[k] > 0.0 else 0.0)
        shipped[k] = 0.0
        for other in [k for k in own if not legs.standby[k]]:
            taken = min(waiting[other], most - shipped[k])
            waiting[other] -= taken
            shipped[k] += taken
    return shipped


class SlowUpstream:
    """Mines, legs and smelters of one future."""

    def __init__(self, network, step_days):
        self.net, self.dt = network, step_days
        mines, legs, smelters = network.mines, network.legs, network.smelters
        self.lines, self.strands = range(network.n_lines), range(len(network.strands.origin))
        self.mine_stock = [d * q for d, q in zip(mines.stock_days, mines.planned, strict=True)]
        self.owed = [0.0] * len(mines.planned)
        self.legs_t = [
            legs.share[k] * mines.planned[legs.origin[k]] * step_days
            for k in range(len(legs.origin))
        ]
        planned = self.legs_t + [0.0] * (network.n_lines - len(self.legs_t))
        self.feed, made = [0.0 for _ in self.lines], [0.0 for _ in self.lines]
        for line in self.lines:
            s = network.line_smelter[line]
            if s >= 0:
                self.feed[line] = planned[line] * smelters.feed_days[s] / step_days
                made[line] = planned[line] * smelters.metal_yield[s]
        self.strands_t = [
            network.strands.share[k] * made[network.strands.origin[k]] for k in self.strands
        ]
        self.at_mines, self.at_smelters = [0.0] * len(self.legs_t), [0.0 for _ in self.strands]
        self.alternative = [0.0] * len(smelters.planned)
        self.to_smelters = self.transits(legs, self.legs_t)
        self.to_gates = self.transits(network.strands, self.strands_t)

    def transits(self, legs, planned_t):
        return [SlowTransit(p, days, self.dt) for p, days in zip(planned_t, legs.days, strict=True)]

    def stock(self):
        under_way = sum(leg.under_way for leg in (*self.to_smelters, *self.to_gates))
        waiting = sum(self.at_mines) + sum(self.at_smelters)
        return sum(self.mine_stock) + waiting + under_way + sum(self.feed)

    def mine(self, k, available, more):
        planned = self.net.mines.planned[k] * self.dt
        most = self.net.mines.capacity[k] * self.dt
        wish = min(planned * (1.0 + more), most)
        usual, made = available * wish, available * min(wish + self.owed[k], most)
        self.owed[k] += self.net.mines.makeup_share[k] * max(planned - usual, 0.0) - (made - usual)
        return made

    def leave(self, k, mined, leaving):
        """Return what may leave a mine, and what it keeps."""
        mines = self.net.mines
        normal = mines.stock_days[k] * mines.planned[k] * (1.0 - leaving)
        back = 1.0 - math.exp(-self.dt / self.net.restocking_days)
        stock = self.mine_stock[k]
        keeps = min(stock + back * max(normal - stock, 0.0), normal, stock + mined)
        return stock + mined - keeps, keeps

    def smelt(self, s, available, arrived, metal):
        """Return feed bought elsewhere and metal lost; metal is for each line."""
        smelters, dt = self.net.smelters, self.dt
        lines = [line for line in self.lines if self.net.line_smelter[line] == s]
        planned, most = smelters.planned[s] * dt, smelters.capacity[s] * dt
        target = smelters.feed_days[s] * smelters.planned[s]
        feed = sum(self.feed[line] for line in lines)
        back = 1.0 - math.exp(-dt / self.net.restocking_days)
        used = planned * min(feed / (smelters.psi[s] * target), 1.0) if target > 0.0 else 0.0
        used = available * (used + min(back * max(feed - target, 0.0), most - planned))
        slag = 0.0
        for line in lines:
            taken = self.feed[line] * used / feed if feed > 0.0 else 0.0
            self.feed[line] += arrived.get(line, 0.0) - taken
            metal[line] = taken * smelters.metal_yield[s]
            slag += taken * (1.0 - smelters.metal_yield[s])
        bought = 0.0
        if smelters.alternative_share[s] > 0.0:
            gap = max(target - feed, 0.0)
            wish = smelters.alternative_share[s] if gap > 1e-9 * target else 0.0
            grow = 1.0 - math.exp(-dt / smelters.alternative_lag_days[s])
            self.alternative[s] += grow * (wish - self.alternative[s])
            bought = min(self.alternative[s] * planned, gap)
            self.feed[lines[-1]] += bought
        return bought, slag

    def step(self, weather, t, s, more):
        """Return metal at the gates, and what was mined, bought and lost."""
        net = self.net
        mined_t, arrived = 0.0, {}
        parts = [table(weather.legs, t, k, s) for k in range(len(self.legs_t))]
        for k in range(len(net.mines.planned)):
            mined = self.mine(k, weather.mines[t][k][s], more)
            mined_t += mined
            leaving = 0.0 if weather.leaving is None else float(weather.leaving[t][k])
            ready, keeps = self.leave(k, mined, leaving)
            self.mine_stock[k] = keeps
            shipped = dispatch(net.legs, k, ready, self.at_mines, self.legs_t, parts, self.dt)
            arrived |= {leg: self.to_smelters[leg].pass_on(x) for leg, x in shipped.items()}
        bought_t, slag_t, metal = 0.0, 0.0, {}
        for smelter in range(len(net.smelters.planned)):
            available = table(weather.smelters, t, smelter, s)
            bought, slag = self.smelt(smelter, available, arrived, metal)
            bought_t, slag_t = bought_t + bought, slag_t + slag
        parts = [table(weather.strands, t, k, s) for k in self.strands]
        delivered = {}
        for line, made in metal.items():
            shipped = dispatch(
                net.strands, line, made, self.at_smelters, self.strands_t, parts, self.dt
            )
            delivered |= {k: self.to_gates[k].pass_on(x) for k, x in shipped.items()}
        gates = [
            arrived[line] if line >= 0 else delivered[strand]
            for line, strand in zip(net.gate_line, net.gate_strand, strict=True)
        ]
        return gates, mined_t, bought_t, slag_t


def ration(buyers, clean, tainted, orders):
    """Share metal among tiers, and within a tier pro rata; those in need come first to clean."""
    received = [0.0] * len(orders)
    for tier in sorted(set(buyers.tier)):
        members = [b for b in range(len(orders)) if buyers.tier[b] == tier]
        needing = sum(orders[b] for b in members if buyers.needs_assurance[b])
        others = sum(orders[b] for b in members if not buyers.needs_assurance[b])
        alike = min(1.0, (clean + tainted) / (needing + others)) if needing + others else 1.0
        to_needing = min(clean / needing, alike) if needing else 1.0
        to_others = min(1.0, max(tainted / others, alike)) if others else 1.0
        for b in members:
            received[b] = orders[b] * (to_needing if buyers.needs_assurance[b] else to_others)
        clean, tainted = (
            max(0.0, min(clean + tainted - needing - others, clean - needing)),
            max(0.0, tainted - others),
        )
    return received, clean, tainted


class SlowDownstream:
    """Exchange and buyers of one future."""

    def __init__(self, network, buyers, exchange_t, step_days):
        self.net, self.buyers, self.dt = network, buyers, step_days
        self.who = range(len(buyers.use))
        self.normal = [buyers.inventory_days[b] * buyers.use[b] for b in self.who]
        self.stock = list(self.normal)
        self.clean, self.tainted = exchange_t, 0.0
        self.alternative = [
            0.0 if buyers.qualification_days[b] > 0.0 else buyers.alternative_limit[b]
            for b in self.who
        ]
        self.planned = [float(p) * step_days for p in network.planned_at_families()]

    def under_contract(self, gates, assured, levied):
        """Return deliveries and levies by buyer, and put the rest into the two pools."""
        families = range(self.net.n_families)
        arrived, clean = [0.0 for _ in families], [0.0 for _ in families]
        for f, metal, share in zip(self.net.family, gates, assured, strict=True):
            arrived[f] += metal
            clean[f] += metal * share
        agreed, sure_t = [0.0 for _ in self.who], 0.0
        levies = [0.0 for _ in self.who]
        for b in self.who:
            for f in families:
                if arrived[f] <= 0.0 or self.planned[f] <= 0.0:
                    continue
                full = (
                    self.buyers.contracts[b][f] * self.dt * min(arrived[f] / self.planned[f], 1.0)
                )
                sure = full * clean[f] / arrived[f]
                sure_t += sure
                agreed[b] += sure if self.buyers.needs_assurance[b] else full
                for g, metal in enumerate(gates):
                    if self.net.family[g] == f:
                        taken = assured[g] if self.buyers.needs_assurance[b] else 1.0
                        levies[b] += full * metal * taken * levied[g] / arrived[f]
        self.clean += sum(clean) - sure_t
        self.tainted += sum(arrived) - sum(clean) - (sum(agreed) - sure_t)
        self.clean, self.tainted = max(self.clean, 0.0), max(self.tainted, 0.0)
        return agreed, levies

    def step(self, gates, assured, levied, other_t, rest_t):
        """Return what is delivered under contract, bought on the market, short and levied."""
        buyers, dt = self.buyers, self.dt
        agreed, levies = self.under_contract(gates, assured, levied)
        self.clean += other_t
        orders, use, for_use = [], [], []
        for b in self.who:
            use.append(rest_t if b == self.who[-1] else buyers.use[b] * dt)
            back = 1.0 - math.exp(-dt / buyers.restocking_days[b])
            order = use[b] + back * max(self.normal[b] - self.stock[b], 0.0)
            contract = sum(buyers.contracts[b]) * dt
            if buyers.qualification_days[b] > 0.0 and agreed[b] < (1.0 - 1e-9) * contract:
                grow = 1.0 - math.exp(-dt / buyers.qualification_days[b])
                self.alternative[b] += grow * (buyers.alternative_limit[b] - self.alternative[b])
            open_share = 1.0 - (contract / (buyers.use[b] * dt) if contract else 0.0)
            most = (open_share + self.alternative[b]) * order
            orders.append(min(max(order - agreed[b], 0.0), most))
            for_use.append(min(orders[b], max(use[b] - agreed[b], 0.0)))
        first, self.clean, self.tainted = ration(buyers, self.clean, self.tainted, for_use)
        refill = [orders[b] - for_use[b] for b in self.who]
        then, self.clean, self.tainted = ration(buyers, self.clean, self.tainted, refill)
        received = [first[b] + then[b] for b in self.who]
        short = []
        for b in self.who:
            there = self.stock[b] + agreed[b] + received[b]
            short.append(max(use[b] - there, 0.0))
            self.stock[b] = max(there - use[b], 0.0)
        return agreed, received, short, levies


def slow_usual(chain, weather):
    """Return metal at the gates and stocks of the market's usual weather, by step."""
    upstream, gates, stock = SlowUpstream(chain.network, chain.step_days), [], []
    for t in range(len(weather.mines)):
        gates.append(sum(upstream.step(weather, t, 0, 0.0)[0]))
        stock.append(upstream.stock())
    return gates, stock


def slow_run(chain, weather, usual, answer, s):
    """Return the series of future number s, by name; lists over steps."""
    dt, n_steps = chain.step_days, len(weather.mines)
    usual_gates, usual_stock = usual
    up = SlowUpstream(chain.network, dt)
    down = SlowDownstream(chain.network, chain.buyers, chain.exchange_t, dt)
    others_t = sum(chain.buyers.use[:-1]) * dt
    annual = (sum(usual_gates) / n_steps + chain.other_t + chain.recycled_t) / dt * 365.0
    supply, demand = answer.elasticity_supply[s], answer.elasticity_demand[s]
    ratio, more, unmet = 1.0, 0.0, 0.0
    names = ("agreed_t", "open_t", "short_t", "gates_t", "ratio")
    names += ("upstream_t", "exchange_t", "buyers_t", "booked_t", "levied_t")
    made = {name: [] for name in names}
    for t in range(n_steps):
        use_share = 1.0
        if answer.moves_quantities:
            wish = min(max(supply * math.log(ratio), 0.0), answer.most_extra_share)
            more += (1.0 - math.exp(-dt / answer.supply_lag_days)) * (wish - more)
            use_share = max(1.0 + demand * (ratio - 1.0), 0.0)
        gates, mined, bought, slag = up.step(weather, t, s, more)
        outside = chain.other_t + chain.recycled_t * (1.0 + more)
        rest = max(usual_gates[t] + chain.other_t + chain.recycled_t - others_t, 0.0) * use_share
        assured = [table(weather.assured, t, g, s) for g in range(len(gates))]
        levied = [table(weather.levied, t, g, s, 0.0) for g in range(len(gates))]
        agreed, received, short, levies = down.step(gates, assured, levied, outside, rest)
        exchange, with_buyers = down.clean + down.tainted, sum(down.stock)
        x = answer.shortfall[t][s]
        if answer.counts_stocks:
            unmet = unmet * math.exp(-dt / chain.network.restocking_days) + sum(short)
            at_market = chain.exchange_t + sum(down.normal) - exchange - with_buyers
            x += (at_market + max(usual_stock[t] - up.stock(), 0.0) + unmet) / annual
        ratio = min(max(1.0 + x / (supply - demand), answer.lowest_ratio), answer.choke_ratio)
        used = others_t + rest - sum(short)
        row = (agreed, received, short, sum(gates), ratio, up.stock(), exchange, with_buyers)
        row += ((mined, bought, outside, slag, used), levies)
        for name, value in zip(names, row, strict=True):
            made[name].append(value)
    return made
