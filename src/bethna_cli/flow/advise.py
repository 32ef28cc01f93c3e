"""Think: look at the market, let the rules decide, keep the answer with everything it rests on."""

from dataclasses import dataclass

from bethna_cli.analysis import advice
from bethna_cli.domain.documents import recommendation_document
from bethna_cli.domain.intent import DirectRequest, TradeRequest
from bethna_cli.domain.model import Model
from bethna_cli.domain.recommendation import Recommendation
from bethna_cli.flow.observe import Feeds, observe
from bethna_cli.ports import Clock, Ledger


@dataclass(frozen=True, slots=True)
class Desk:
    """What Alpha works with."""

    feeds: Feeds
    model: Model
    ledger: Ledger
    clock: Clock
    network: str


async def advise(request: TradeRequest | DirectRequest, desk: Desk) -> Recommendation:
    """Turn a request into a stored recommendation; the snapshot is stored even when there is no answer.

    Raises what analysis.advice raises: OutsideError, NotEnoughData, NothingSuitable.
    """
    snapshot = await observe(request.asset, desk.feeds, desk.clock)
    desk.ledger.add_snapshot(snapshot)
    if isinstance(request, DirectRequest):
        answer = advice.propose(request, snapshot, desk.model, desk.network)
    else:
        answer = advice.recommend(request, snapshot, desk.model, desk.network)
    desk.ledger.add_recommendation(answer.id, answer.created_at, recommendation_document(answer))
    return answer
