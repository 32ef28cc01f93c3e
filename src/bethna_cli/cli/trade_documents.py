"""A review and a receipt as scripts see them: numbers in USDC and contracts, the card line by line."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bethna_cli.domain.guarding import Chances
    from bethna_cli.domain.trade import PlannedTrade
    from bethna_cli.flow.carry import Carried
    from bethna_cli.flow.review import Review
    from bethna_cli.flow.sight import TradingDesk

OUTCOME_UNKNOWN = 5
REFUSED = 3


def calls_document(desk: "TradingDesk", shown: "Review") -> list[dict[str, str]]:
    """Return the call of each transaction, with zeros where the signatures go."""
    calls = desk.venue.calls(shown.plan, [offer.order for offer in shown.sight.offers])
    return [{"to": str(call.to), "data": "0x" + call.data.hex()} for call in calls]


def review_document(shown: "Review") -> dict[str, object]:
    """Return a review: the plan's numbers, and each check by trade."""
    from bethna_cli.domain.signing import ether
    from bethna_cli.flow.carry import card_lines
    from bethna_cli.flow.odds import chances_of_purchase

    refusal = shown.refusal
    name = "recommendation" if shown.wanted.sold is None else "position"
    return {
        name: shown.wanted.id if shown.wanted.sold is None else shown.wanted.sold.id,
        "simulated": shown.wanted.document["simulated"],
        "side": shown.wanted.side.name,
        "chain_id": shown.plan.chain_id,
        "contract": shown.plan.contract,
        "user": shown.plan.user,
        "code": shown.code,
        "digests": list(shown.digests),
        "exits": [exit_document(*pair) for pair in zip(shown.exits, shown.exit_digests, strict=True)],
        "chances": [{"ticker": ticker, **chances_document(odds)} for ticker, odds in chances_of_purchase(shown)],
        "card": [{"label": line.label, "value": line.value} for line in card_lines(shown)],
        "gas_at_most_eth": float(ether(shown.gas_cost_wei)),
        "checks": [
            {"trade": number, "check": one.check, "verdict": one.verdict.value, "words": one.words}
            for number, results in enumerate(shown.results)
            for one in results
        ],
        "questions": list(shown.questions),
        "refused": None if refusal is None else {"code": refusal.code, "message": refusal.message},
    }


def chances_document(odds: "Chances") -> dict[str, object]:
    """Return how likely exits are, and by which method."""
    return {
        "stopped": round(odds.stopped, 4),
        "goal": round(odds.reached, 4),
        "neither": round(odds.neither, 4),
        "method": "binomial tree without drift, at the venue's volatility, until expiry (Cox et al. 1979)",
    }


def exit_document(trade: "PlannedTrade", digest: str) -> dict[str, object]:
    """Return a signed exit: its trigger and floor for all of its contracts."""
    from bethna_cli.domain.units import from_unix, iso, usdc_to_decimal

    intent = trade.intent
    return {
        "id": digest,
        "purpose": trade.purpose,
        "option_token": intent.option_token,
        "contracts": float(usdc_to_decimal(intent.amount_in)),
        "trigger_usdc": float(usdc_to_decimal(intent.quoted_amount_out)),
        "floor_usdc": float(usdc_to_decimal(intent.min_amount_out)),
        "watcher": intent.executor,
        "until": iso(from_unix(intent.deadline_s)),
    }


def carried_document(carried: "Carried") -> dict[str, object]:
    """Return a receipt. usdc_spent is below 0 when a sale brought money in."""
    from bethna_cli.cli.render_card import next_commands, realised_slippage
    from bethna_cli.cli.trades import entry_document
    from bethna_cli.domain.units import usdc_to_decimal

    return {
        **review_document(carried.review),
        "complete": carried.is_complete,
        "trades": [
            {
                **entry_document(one.entry),
                "realised_slippage": None if one.entry.fill is None else realised_slippage(one.entry),
                "remark": one.remark,
            }
            for one in carried.progresses
        ],
        "stopped": None if carried.stopped is None else carried.stopped.message,
        "not_known_to_have_happened": [errand.purpose for errand in carried.loose],
        "next": next_commands(carried),
        "usdc_spent": float(usdc_to_decimal(carried.usdc_spent)),
        "usdc_left": float(usdc_to_decimal(carried.purse.usdc)),
        "allowance_left": float(usdc_to_decimal(carried.purse.allowance)),
        "contracts_held": [float(usdc_to_decimal(held)) for held in carried.held],
    }


def exit_code(carried: "Carried") -> int:
    """Tell what was refused from what is not known yet."""
    from bethna_cli.domain.journal import TradeState

    if carried.stopped is not None:
        return carried.stopped.exit_code
    last = carried.progresses[-1].entry
    is_refused = last.fill is None and last.state in (TradeState.MINED, TradeState.REVERTED)
    return REFUSED if is_refused else OUTCOME_UNKNOWN
