"""The pollutants of GB 3095 and how their values are written."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Pollutant:
    """One pollutant.

    Attributes
    ----------
    key : str
        Column name everywhere: database, CSV, JSON.
    symbol : str
        As printed in bulletins, e.g. ``PM2.5``.
    name_zh : str
        Chinese name of GB 3095.
    unit : str
        Canonical unit: µg/m³, for CO mg/m³.
    decimals : int
        Decimals of a published concentration (HJ 633-2026 4.2.2: integers, CO one decimal).
    """

    key: str
    symbol: str
    name_zh: str
    unit: str
    decimals: int

    @property
    def title_zh(self) -> str:
        """Name and symbol as bulletins print them, e.g. ``细颗粒物(PM2.5)``; a name that is the symbol stands alone."""
        return f"{self.name_zh}({self.symbol})"


SIX: Final[tuple[Pollutant, ...]] = (
    Pollutant("pm25", "PM2.5", "细颗粒物", "µg/m³", 0),
    Pollutant("pm10", "PM10", "可吸入颗粒物", "µg/m³", 0),
    Pollutant("so2", "SO2", "二氧化硫", "µg/m³", 0),
    Pollutant("no2", "NO2", "二氧化氮", "µg/m³", 0),
    Pollutant("co", "CO", "一氧化碳", "mg/m³", 1),
    Pollutant("o3", "O3", "臭氧", "µg/m³", 0),
)
SIX_KEYS: Final[tuple[str, ...]] = tuple(pollutant.key for pollutant in SIX)
POLLUTANTS: Final = MappingProxyType({pollutant.key: pollutant for pollutant in SIX})
