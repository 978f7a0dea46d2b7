"""Bundled tables, a case built from them, readers of public formats, and frames to the model."""

from supplyrisk.data.base_rates import duration_for, rate_for
from supplyrisk.data.build import build_case
from supplyrisk.data.catalogue import bibtex, disruptions
from supplyrisk.data.disagreements import discrepancies
from supplyrisk.data.frames import sites_from_frame
from supplyrisk.data.market_tables import (
    announced_durations,
    balances,
    commodities,
    end_uses,
    market_parameters,
    official_lists,
    panels,
    price_responses,
    prices,
    sources,
    substitutes,
    trade_codes,
)
from supplyrisk.data.quotes import Volatility, volatility_for
from supplyrisk.data.supply_tables import (
    country_groups,
    governance,
    production_totals,
    recycling,
    reserves,
    routes,
    site_output,
    smelters,
    supply_share_totals,
    supply_shares,
)
from supplyrisk.data.tables import columns, countries, production, sites, table, table_names
from supplyrisk.data.vocabulary import commodity_of

__all__ = [
    "Volatility",
    "announced_durations",
    "balances",
    "bibtex",
    "build_case",
    "columns",
    "commodities",
    "commodity_of",
    "countries",
    "country_groups",
    "discrepancies",
    "disruptions",
    "duration_for",
    "end_uses",
    "governance",
    "market_parameters",
    "official_lists",
    "panels",
    "price_responses",
    "prices",
    "production",
    "production_totals",
    "rate_for",
    "recycling",
    "reserves",
    "routes",
    "site_output",
    "sites",
    "sites_from_frame",
    "smelters",
    "sources",
    "substitutes",
    "supply_share_totals",
    "supply_shares",
    "table",
    "table_names",
    "trade_codes",
    "volatility_for",
]
