"""How likely exits are, by the tree of `risk.chances`: those of a position, and those that a purchase would have."""

import math
from collections.abc import Sequence
from datetime import datetime

from bethna_cli.domain.guarding import Chances, ExitRules, SpotView, Unknown
from bethna_cli.domain.mandate import MandateKind
from bethna_cli.domain.position import OptionTerms, Position
from bethna_cli.domain.trade import PlannedTrade
from bethna_cli.domain.units import CONTRACT_UNIT, USDC_UNIT
from bethna_cli.execution.exits import kind_of
from bethna_cli.flow.lookout import MarketDesk, look
from bethna_cli.flow.review import Review
from bethna_cli.risk.chances import chances
from bethna_cli.risk.exits import stop_value, target_value
from bethna_cli.risk.volatility import Smiles, smiles_of

NO_STOP, NO_GOAL = -1.0, math.inf


async def chances_of(desk: MarketDesk, position: Position, rules: ExitRules) -> Chances | None:
    """Return the chances until expiry; None where there is no price or volatility, or nothing is left."""
    terms, cost, held = position.terms, position.cost_left, position.contracts_left
    view = (await look(desk, [terms.asset]))[terms.asset]
    if not isinstance(view.spot, SpotView) or isinstance(view.smiles, Unknown) or held <= 0:
        return None
    size = held / CONTRACT_UNIT * USDC_UNIT
    stop = NO_STOP if rules.stop_loss is None else stop_value(cost, rules.stop_loss) / size
    goal = NO_GOAL if rules.take_profit is None else target_value(cost, rules.take_profit) / size
    return _until_expiry(terms, view.spot.usd, view.smiles, desk.clock.now(), stop, goal)


def chances_of_purchase(shown: Review) -> list[tuple[str, Chances]]:
    """Return the chances of the exits that are signed with a purchase, by ticker; nothing where they are not known."""
    spot, board = shown.sight.snapshot.spot.value, shown.sight.snapshot.options.value
    smiles = smiles_of(board.quotes if board is not None else ())
    found = []
    for leg, offer in zip(shown.wanted.legs, shown.sight.offers, strict=True):
        exits = [trade for trade in shown.exits if trade.intent.option_token == offer.series]
        if spot is None or not exits or not smiles.smiles:
            continue
        quote = offer.quote
        terms = OptionTerms(shown.wanted.asset, quote.kind, quote.strikes, quote.expires_at, leg.ticker)
        stop = _trigger(exits, MandateKind.STOP_LOSS, NO_STOP)
        goal = _trigger(exits, MandateKind.TAKE_PROFIT, NO_GOAL)
        odds = _until_expiry(terms, float(spot.value_usd), smiles, shown.sight.snapshot.taken_at, stop, goal)
        found += [] if odds is None else [(leg.ticker, odds)]
    return found


def _trigger(exits: Sequence[PlannedTrade], kind: MandateKind, otherwise: float) -> float:
    """Return what one contract is worth, in USD, when an exit of a kind is due."""
    intents = [trade.intent for trade in exits if kind_of(trade) is kind]
    return intents[0].quoted_amount_out / intents[0].amount_in if intents else otherwise


def _until_expiry(
    terms: OptionTerms, spot_usd: float, smiles: Smiles, now: datetime, stop_usd: float, goal_usd: float
) -> Chances | None:
    seconds = (terms.expires_at - now).total_seconds()
    if seconds <= 0:
        return None
    iv = smiles.at(float(terms.strikes[0]), terms.expires_at.timestamp(), now.timestamp())
    return chances(terms, spot_usd, iv, seconds, stop_usd, goal_usd)
