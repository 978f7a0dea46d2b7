"""Which figures of the Mineral Commodity Summaries are of which commodity, stage and basis."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

_ALUMINIUM_ORES: Final = ("bauxite", "alumina", "bauxite and alumina")
_PLATINUM: Final = ("platinum group metals", "platinum", "palladium")
# The file of chromium of 2024 has "Mne production".
_MINE: Final = r"\bmi?ne\b"
# Ferrosilicon, alone or together with the metal, is another product.
_SILICON_METAL: Final = r"^(?!.*ferrosilicon).*silicon metal"
_IRON_CONTENT: Final = "iron content"


@dataclass(frozen=True, slots=True)
class Product:
    """One commodity at one stage.

    Attributes
    ----------
    commodity
        Name in this library.
    names
        Names of the publisher, in lower case and with letters only.
    code
        What stands for it in the name of a file of one commodity.
    word
        Pattern that is found in what the publisher says is counted.
    stage
        ``"mine"`` or ``"refinery"``.
    basis
        What the tonnes are.
    """

    commodity: str
    names: tuple[str, ...]
    code: str
    word: str
    stage: str
    basis: str


def _mined(commodity: str, code: str, *names: str, basis: str = "") -> Product:
    plain = commodity.replace("_", " ")
    return Product(commodity, names or (plain,), code, _MINE, "mine", basis or f"contained {plain}")


def _made(commodity: str, code: str, *names: str, word: str = "production", basis: str) -> Product:
    return Product(commodity, names or (commodity,), code, word, "refinery", basis)


# Where several are told apart by their word, the first that fits is taken.
PRODUCTS: Final = (
    _made("aluminium", "alumi", "aluminum", word="smelter", basis="primary aluminium"),
    _made(
        "alumina", "bauxi", *_ALUMINIUM_ORES, word="alumina", basis="alumina, calcined equivalent"
    ),
    _mined("bauxite", "bauxi", *_ALUMINIUM_ORES, basis="gross weight, dry bauxite"),
    _mined("antimony", "antim"),
    _mined("chromium", "chrom", basis="gross weight, chromite ore"),
    _mined("cobalt", "cobal"),
    _mined("copper", "coppe", basis="recoverable copper content"),
    _made("copper", "coppe", word="refinery", basis="refined copper"),
    _made("gallium", "galli", basis="Ga content, primary low-purity"),
    _made(
        "germanium", "germa", "germanium", "gemanium", word="refinery", basis="refined germanium"
    ),
    _mined("gold", "gold"),
    _mined(
        "graphite", "graph", "graphite", "graphite natural", basis="gross weight, natural graphite"
    ),
    _made("indium", "indiu", word="refinery", basis="refined indium"),
    _mined("iron_ore", "feore", basis="gross weight, usable ore"),
    _mined("lead", "lead"),
    _mined("lithium", "lithi"),
    _made("magnesium", "mgmet", "magnesium metal", basis="primary magnesium"),
    _mined("manganese", "manga"),
    _mined("molybdenum", "molyb"),
    _mined("nickel", "nicke"),
    _mined("niobium", "niobi", "niobium", "niobium columbium"),
    Product("palladium", _PLATINUM, "plati", "palladium", "mine", "contained palladium"),
    Product("platinum", _PLATINUM, "plati", r"platinum(?!-| group)", "mine", "contained platinum"),
    _mined("potash", "potas", basis="K2O equivalent"),
    _mined("rare_earths", "raree", basis="REO equivalent"),
    _made("silicon", "simet", word=_SILICON_METAL, basis="silicon content of silicon metal"),
    _mined("silver", "silve"),
    _mined("tantalum", "tanta"),
    _mined("tin", "tin"),
    _mined("tungsten", "tungs"),
    _mined("vanadium", "vanad"),
    _mined("zinc", "zinc"),
)

_ALL_PLATINUM: Final = Product(
    "platinum_group_metals", _PLATINUM, "plati", "", "mine", "contained platinum-group metals"
)
_CRUDE_ORE: Final = "gross weight, crude ore"


def plain(name: str) -> str:
    """Name of a commodity in lower case and with letters only."""
    return " ".join(re.sub("[^a-z]", " ", name.casefold()).split())


def candidates(name: str) -> tuple[Product, ...]:
    """Return the products which the publisher has under one name, or in one file by its code."""
    wanted = plain(name)
    found = tuple(product for product in PRODUCTS if wanted in product.names)
    return found or tuple(
        product for product in PRODUCTS if wanted in {product.code, plain(product.commodity)}
    )


def product_of(products: tuple[Product, ...], counted: str) -> Product | None:
    """Return the product of which an output or a capacity is.

    Parameters
    ----------
    products : tuple of Product
        Those that the name leaves.
    counted : str
        What the publisher says is counted.

    Returns
    -------
    Product or None
        None if it is none of them: secondary metal, iron in the ore, or another form.
    """
    text = counted.casefold()
    if _IRON_CONTENT in text:
        return None
    return next((product for product in products if re.search(product.word, text)), None)


def reserves_of(product: Product, products: tuple[Product, ...]) -> Product | None:
    """Return the product of which reserves are that stand beside a figure of a product.

    Parameters
    ----------
    product : Product
        That of the figure.
    products : tuple of Product
        All that the publisher has under the name.

    Returns
    -------
    Product or None
        None beside what is made from another product of the same name, as alumina is.
    """
    if product.code == _ALL_PLATINUM.code:
        return _ALL_PLATINUM
    if product.stage != "mine" and any(other.stage == "mine" for other in products):
        return None
    return replace(product, basis=_CRUDE_ORE) if product.commodity == "iron_ore" else product


def reserves_named(products: tuple[Product, ...], counted: str) -> Product | None:
    """Return the product of which reserves are that have a row of their own."""
    if not products or _IRON_CONTENT in counted.casefold():
        return None
    mined = [product for product in products if product.stage == "mine"]
    return reserves_of(next(iter(mined), products[0]), products)
