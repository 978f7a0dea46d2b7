"""Bundled tables, a case built from them, readers of public formats, and frames to the model."""

from supplyrisk.data.announcements import announced_duration
from supplyrisk.data.build import build_case
from supplyrisk.data.calibration import (
    Calibration,
    duration_for,
    durations_by_peril,
    fit_catalogue,
    rate_for,
)
from supplyrisk.data.catalogue import bibtex, disruptions
from supplyrisk.data.conflict_events import conflict_near
from supplyrisk.data.disagreements import discrepancies
from supplyrisk.data.formats.acled import read_acled
from supplyrisk.data.formats.baci import read_baci
from supplyrisk.data.formats.cmrt import read_cmrt, smelter_bounds
from supplyrisk.data.formats.comtrade import read_comtrade
from supplyrisk.data.formats.ipis import read_ipis_mines
from supplyrisk.data.formats.pink_sheet import read_pink_sheet
from supplyrisk.data.formats.plain import read_daily_prices, read_production, read_suppliers
from supplyrisk.data.formats.ucdp import read_ucdp_ged
from supplyrisk.data.formats.usgs import read_usgs_mcs
from supplyrisk.data.formats.wgi import read_wgi
from supplyrisk.data.frames import sites_from_frame
from supplyrisk.data.held_out import leave_one_out
from supplyrisk.data.history import stops
from supplyrisk.data.market_tables import (
    announced_durations,
    balances,
    calibrated,
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
from supplyrisk.data.trade import contained_metal
from supplyrisk.data.vocabulary import commodity_of
from supplyrisk.data.writing import read_table, write_table

__all__ = [
    "Calibration",
    "Volatility",
    "announced_duration",
    "announced_durations",
    "balances",
    "bibtex",
    "build_case",
    "calibrated",
    "columns",
    "commodities",
    "commodity_of",
    "conflict_near",
    "contained_metal",
    "countries",
    "country_groups",
    "discrepancies",
    "disruptions",
    "duration_for",
    "durations_by_peril",
    "end_uses",
    "fit_catalogue",
    "governance",
    "leave_one_out",
    "market_parameters",
    "official_lists",
    "panels",
    "price_responses",
    "prices",
    "production",
    "production_totals",
    "rate_for",
    "read_acled",
    "read_baci",
    "read_cmrt",
    "read_comtrade",
    "read_daily_prices",
    "read_ipis_mines",
    "read_pink_sheet",
    "read_production",
    "read_suppliers",
    "read_table",
    "read_ucdp_ged",
    "read_usgs_mcs",
    "read_wgi",
    "recycling",
    "reserves",
    "routes",
    "site_output",
    "sites",
    "sites_from_frame",
    "smelter_bounds",
    "smelters",
    "sources",
    "stops",
    "substitutes",
    "supply_share_totals",
    "supply_shares",
    "table",
    "table_names",
    "trade_codes",
    "volatility_for",
    "write_table",
]
