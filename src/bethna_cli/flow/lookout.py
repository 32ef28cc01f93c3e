"""What Gamma sees: the market as far as it may be acted on, and what it watches with.

Sources are asked at once, each no longer than it may take. One that fails leaves a reason and no number.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.errors import OutsideError
from bethna_cli.domain.guarding import ExitRules, Unknown
from bethna_cli.domain.market import Asset, SpotPrice
from bethna_cli.flow.exits import ExitDesk
from bethna_cli.ports import Chain, Clock, ExitEvidence, Journal, Mandates, OrderBook, Positions, SpotFeed, Watchbook
from bethna_cli.risk.exits import STANDARD, Strictness
from bethna_cli.risk.marks import AssetView
from bethna_cli.risk.spot import WatchLimits, believed
from bethna_cli.risk.volatility import Smiles, smiles_of

CatchUp = Callable[[], Awaitable[object]]
NoteFill = Callable[[Hash], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class MarketDesk:
    """Where Gamma looks: spot sources in order of preference, and the venue's board."""

    spots: Sequence[SpotFeed]
    board: OrderBook
    clock: Clock
    limits: WatchLimits = field(default_factory=WatchLimits)
    source_timeout_s: float = 4.0


@dataclass(frozen=True, slots=True)
class GuardDesk:
    """What Gamma watches with, for one account.

    read_on: brings positions to what the chain shows; note_fill: records one transaction at once. exits: None where the
    watcher has no key, so that it can only warn.
    """

    account: Address
    market: MarketDesk
    positions: Positions
    watchbook: Watchbook
    mandates: Mandates
    journal: Journal
    chain: Chain
    evidence: ExitEvidence
    clock: Clock
    read_on: CatchUp
    note_fill: NoteFill
    exits: ExitDesk | None
    watcher: Address | None
    defaults: ExitRules = field(default_factory=ExitRules)
    strictness: Strictness = STANDARD


async def look(desk: MarketDesk, assets: Sequence[Asset]) -> Mapping[Asset, AssetView]:
    """Look at every asset at once."""
    return dict(zip(assets, await asyncio.gather(*(_view(desk, asset) for asset in assets)), strict=True))


async def _view(desk: MarketDesk, asset: Asset) -> AssetView:
    smiles, answers = await asyncio.gather(
        _smiles(desk, asset), asyncio.gather(*(_answer(desk, feed, asset) for feed in desk.spots))
    )
    strikes = () if isinstance(smiles, Unknown) else smiles.strikes
    return AssetView(believed(answers, strikes, desk.clock.now(), desk.limits), smiles)


async def _answer(desk: MarketDesk, feed: SpotFeed, asset: Asset) -> SpotPrice | str:
    try:
        async with asyncio.timeout(desk.source_timeout_s):
            return await feed.spot(asset)
    except OutsideError as error:
        return error.message
    except TimeoutError:
        return f"{feed.name}: no answer within {desk.source_timeout_s:g} s"


async def _smiles(desk: MarketDesk, asset: Asset) -> Smiles | Unknown:
    try:
        async with asyncio.timeout(desk.source_timeout_s):
            board = await desk.board.board(asset)
    except OutsideError as error:
        return Unknown(error.message)
    except TimeoutError:
        return Unknown(f"no quotes within {desk.source_timeout_s:g} s")
    age_s = (desk.clock.now() - board.provenance.observed_at).total_seconds()
    if not -desk.limits.max_ahead_s <= age_s <= desk.limits.board_age_s:
        return Unknown(f"the quotes are {age_s:.0f} s old; the limit is {desk.limits.board_age_s:.0f} s")
    smiles = smiles_of(board.quotes)
    return smiles if smiles.smiles else Unknown("no quote on offer states a volatility")
