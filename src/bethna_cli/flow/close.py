"""Selling what is held: a position, or a part of it, becomes a sale that the person signs like a purchase.

What the account really holds is asked of the chain; what the position is comes from the record of its purchase.
"""

from fractions import Fraction

from bethna_cli.domain.approval import Schedule, Wanted, WantedLeg
from bethna_cli.domain.errors import TradeRefused, UsageError
from bethna_cli.domain.position import Position, PositionState
from bethna_cli.domain.trade import Side
from bethna_cli.domain.units import iso
from bethna_cli.execution.plan import in_parts
from bethna_cli.flow.carry import Carried, carry
from bethna_cli.flow.consent import Consent
from bethna_cli.flow.review import Review, review
from bethna_cli.flow.sight import TradingDesk


async def close(
    desk: TradingDesk, position: str, fraction: Fraction, consent: Consent, schedule: Schedule | None = None
) -> Carried:
    """Sell a position, once. Raises NotFound, TradeRefused and its kinds; then nothing was sent."""
    return await carry(desk, await wanted_sale(desk, position, fraction, schedule), consent)


async def prepare_close(
    desk: TradingDesk, position: str, fraction: Fraction, schedule: Schedule | None = None
) -> Review:
    """Look at a sale as it could be made now, with every check made. Signs nothing."""
    return await review(desk, await wanted_sale(desk, position, fraction, schedule))


async def wanted_sale(desk: TradingDesk, prefix: str, fraction: Fraction, schedule: Schedule | None) -> Wanted:
    """Say what is to be sold. Raises NotFound, TradeRefused when there is nothing to sell."""
    if not 0 < fraction <= 1:
        raise UsageError("A part is more than 0 % and at most 100 %.", hint="bethna close -h")
    position = desk.positions.position(prefix)
    require_sellable(desk, position)
    (held,) = await desk.venue.held(desk.wallet.address, desk.pins.contract, [position.token])
    amount = int(min(position.contracts_left, held.balance) * fraction)
    if amount <= 0:
        raise TradeRefused("The account holds nothing of it any more.", hint="bethna positions")
    terms = position.terms
    leg = WantedLeg(terms.ticker, terms.kind, terms.strikes, terms.expires_at, amount)
    wanted = Wanted(
        id=position.short_id,
        asset=terms.asset,
        created_at=desk.clock.now(),
        legs=(leg,),
        document=_document(desk, position, amount, held.balance),
        side=Side.SELL,
        sold=position,
    )
    return in_parts(wanted, schedule)


def require_sellable(desk: TradingDesk, position: Position) -> None:
    """Raise TradeRefused when a position is another account's, has ended, has expired, or is no token."""
    if desk.pins.fills_book:
        raise TradeRefused(
            "What was bought at the order book is a role, not a token: selling it early takes a maker's answer to a"
            " request, which bethna does not make. It is paid out at expiry.",
            hint="bethna positions",
        )
    if position.user != desk.wallet.address:
        raise TradeRefused(f"It belongs to {position.user}, another account.", hint="bethna wallet list")
    # One that the record cannot confirm now is sold all the same if the chain shows its contracts at the account.
    if not position.is_open and position.state is not PositionState.UNCONFIRMED:
        raise TradeRefused(f"It is {position.state.value}: there is nothing to sell.", hint="bethna positions")
    if position.terms.expires_at <= desk.clock.now():
        raise TradeRefused("It has expired; what it pays comes by itself.", hint="bethna recover")


def _document(desk: TradingDesk, position: Position, amount: int, balance: int) -> dict[str, object]:
    """Write down the decision, whose hash is signed. The same decision is carried out once.

    It is another decision after anything was sold of the token, or when a sale of it has ended without.
    """
    earlier = sum(
        1
        for entry in desk.execution.journal.entries()
        if entry.trade.intent.side is Side.SELL and entry.trade.intent.option_token == position.token
    )
    return {
        "sell": position.id,
        "token": position.token,
        "ticker": position.terms.ticker,
        "contracts": str(amount),
        "of": str(balance),
        "sales_before": earlier,
        "opened_at": iso(position.opened_at),
        "simulated": desk.network == "sim",
    }
