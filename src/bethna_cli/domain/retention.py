"""How long things are kept: market data, what Alpha may learn from, logs; trades and alerts for ever."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class DataSet(StrEnum):
    """What is dropped one day. Whatever is in none of these stays for ever."""

    MARKET_DATA = "market data"
    """Snapshots of the market with every quote, recommendations that nobody answered, marks and what they add up to."""
    TRAINING_DATA = "training data"
    """History that was fetched, and of older snapshots the first of each day and asset.

    Markets older than three years teach little about this one's volatility.
    """
    LOGS = "logs"
    """Log files, and which channel told which alert when."""


KEPT_FOR = {
    DataSet.MARKET_DATA: timedelta(days=90),
    DataSet.TRAINING_DATA: timedelta(days=3 * 365),
    DataSet.LOGS: timedelta(days=30),
}


@dataclass(frozen=True, slots=True)
class StoreSize:
    """The store's file on disk: bytes, and how many of them are free and can be given back."""

    file_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Swept:
    """What was dropped of one data set, or would be."""

    data_set: DataSet
    count: int
