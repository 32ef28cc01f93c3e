"""How likely a position's exits are: a fresh look at the market, then the tree of `risk.chances`."""

import math

from bethna_cli.domain.guarding import Chances, ExitRules, SpotView, Unknown
from bethna_cli.domain.position import Position
from bethna_cli.domain.units import CONTRACT_UNIT, USDC_UNIT
from bethna_cli.flow.lookout import MarketDesk, look
from bethna_cli.risk.chances import chances
from bethna_cli.risk.exits import stop_value, target_value


async def chances_of(desk: MarketDesk, position: Position, rules: ExitRules) -> Chances | None:
    """Return the chances until expiry; None where there is no price or volatility, or nothing is left."""
    terms, cost, held = position.terms, position.cost_left, position.contracts_left
    view = (await look(desk, [terms.asset]))[terms.asset]
    now = desk.clock.now()
    seconds = (terms.expires_at - now).total_seconds()
    if not isinstance(view.spot, SpotView) or isinstance(view.smiles, Unknown) or seconds <= 0 or held <= 0:
        return None
    iv = view.smiles.at(float(terms.strikes[0]), terms.expires_at.timestamp(), now.timestamp())
    size = held / CONTRACT_UNIT * USDC_UNIT
    stop = -1.0 if rules.stop_loss is None else stop_value(cost, rules.stop_loss) / size
    goal = math.inf if rules.take_profit is None else target_value(cost, rules.take_profit) / size
    return chances(terms, view.spot.usd, iv, seconds, stop, goal)
