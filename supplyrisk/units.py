"""Units shared by every room; a fraction is a fraction, never a percentage."""

from __future__ import annotations

from typing import Final

DAYS_PER_YEAR: Final = 365
"""Days in a year, throughout the library. [d]"""
