"""How risky: a case or a commodity condensed to a card, and commodities in order."""
