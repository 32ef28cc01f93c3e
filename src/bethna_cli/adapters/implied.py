"""The volatility that recorded chains imply at the money, read from what was bid and asked and not from the marks."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from bethna_cli.adapters.sim.replay_chain import Chain, ChainFile, ChainRow, daily_name
from bethna_cli.domain.backtest import EARLIEST, LATEST
from bethna_cli.domain.errors import DataRefused
from bethna_cli.domain.market import Asset
from bethna_cli.domain.model import DataFile
from bethna_cli.domain.options import Term
from bethna_cli.domain.units import from_unix
from bethna_cli.options import black

SHORTEST_S = 6 * 3600
"""Options with less time left imply what the next hours bring, by prices of a tick or two."""

_Pair = dict[bool, ChainRow]


class RecordedVolatility:
    """One asset's daily chains in a folder. Raises ConfigurationError without any, DataRefused when damaged."""

    def __init__(self, folder: Path, asset: Asset) -> None:
        self._file = ChainFile(folder, asset)
        self._read: DataFile | None = None

    def terms(self) -> tuple[tuple[datetime, Term], ...]:
        """Return each snapshot's term structure; a snapshot without one two-sided pair at the money is left out."""
        found: list[tuple[datetime, Term]] = []
        rows = 0
        for chain in self._file.chains(EARLIEST, LATEST):
            rows += len(chain.rows)
            if term := tuple(_term(chain)):
                found.append((from_unix(chain.at_s), term))
        if not found:
            raise DataRefused(f"{self._file.path.name} has no option that is bid and asked at the money.")
        name, notes = self._file.path.name, dict(self._file.notes)
        self._read = DataFile(name, self._file.sha256(), rows, found[0][0], found[-1][0], notes)
        return tuple(found)

    def described(self) -> DataFile:
        if self._read is None:
            raise RuntimeError("nothing was read yet")
        return self._read


def has_chains(folder: Path, asset: Asset) -> bool:
    """Say whether daily chains of an asset lie in a folder."""
    return (folder / daily_name(asset)).is_file()


def _term(chain: Chain) -> Iterator[tuple[float, float]]:
    """Give (years, volatility) of every expiry that has a pair of two-sided quotes, nearest to the forward."""
    by_expiry: defaultdict[int, defaultdict[float, _Pair]] = defaultdict(lambda: defaultdict(dict))
    for row in chain.rows:
        if row.bid is not None and row.ask is not None:
            by_expiry[row.expiry_s][row.strike][row.is_call] = row
    for expiry_s, strikes in sorted(by_expiry.items()):
        left_s = expiry_s - chain.at_s
        pairs = [pair for pair in strikes.values() if len(pair) == 2]
        if left_s >= SHORTEST_S and pairs:
            years = left_s / black.SECONDS_PER_YEAR
            yield from _at_the_money(min(pairs, key=_distance), years)


def _distance(pair: Mapping[bool, ChainRow]) -> float:
    return abs(pair[True].strike - pair[True].forward_usd)


def _at_the_money(pair: Mapping[bool, ChainRow], years: float) -> Iterator[tuple[float, float]]:
    """Give the mean of what the mid prices of a call and a put imply: an error in the forward cancels out of it."""
    implied = []
    for row in pair.values():
        middle_usd = 0.5 * ((row.bid or 0.0) + (row.ask or 0.0)) * row.forward_usd
        try:
            implied.append(black.implied_vol(middle_usd, row.forward_usd, row.strike, years, row.is_call))
        except ValueError:
            return
    yield years, sum(implied) / len(implied)
