"""Think: look at the market, let the rules decide, keep the answer with everything it rests on."""

from dataclasses import dataclass, field

from bethna_cli.analysis import advice
from bethna_cli.domain.documents import recommendation_document
from bethna_cli.domain.intent import DirectRequest, TradeRequest
from bethna_cli.domain.model import Model
from bethna_cli.domain.recommendation import Recommendation, Record
from bethna_cli.flow.observe import Feeds, observe
from bethna_cli.flow.track_record import Records
from bethna_cli.ports import Clock, Ledger


@dataclass(frozen=True, slots=True)
class Desk:
    """What Alpha works with. records: what the model's trades were measured to do, by asset and signal; drifted: what
    was measured to be wrong with the model of late, a warning each."""

    feeds: Feeds
    model: Model
    ledger: Ledger
    clock: Clock
    network: str
    records: Records = field(default_factory=dict)
    drifted: tuple[str, ...] = ()


def _measured(answer: Recommendation, desk: Desk) -> Record | None:
    """Return the record of such trades: of those that Alpha chose by itself, not of what a person's view made of it."""
    is_its_own = answer.view is None or answer.view.signal_without is answer.signal
    return desk.records.get((answer.asset, answer.signal)) if is_its_own else None


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
        answer = advice.with_record(answer, _measured(answer, desk))
    answer = advice.with_warnings(answer, desk.drifted)
    desk.ledger.add_recommendation(answer.id, answer.created_at, recommendation_document(answer))
    return answer
