"""The life of a journaled trade: which state may follow which, and what to do next, given what the chain shows.

Time-outs, lost answers and a node's errors change nothing here: unknown stays unknown until the chain says. A trade is
ended by what is final alone. Nothing here asks, writes or sends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bethna_cli.domain.journal import Fill, JournalEntry, TradeState

S = TradeState

LEGAL: Mapping[TradeState, frozenset[TradeState]] = {
    S.DRAFT: frozenset({S.APPROVED, S.MINED, S.CANCELLED, S.DEAD}),
    S.APPROVED: frozenset({S.TX_SIGNED, S.MINED, S.CANCELLED, S.DEAD}),
    S.TX_SIGNED: frozenset({S.BROADCAST, S.MINED, S.APPROVED, S.CANCELLED, S.DEAD}),
    S.BROADCAST: frozenset({S.MINED, S.APPROVED, S.CANCELLED, S.DEAD}),
    S.MINED: frozenset({S.SAFE, S.FINAL, S.REVERTED, S.BROADCAST, S.APPROVED}),
    S.SAFE: frozenset({S.FINAL, S.REVERTED, S.MINED, S.BROADCAST, S.APPROVED}),
    S.FINAL: frozenset(),
    S.REVERTED: frozenset(),
    S.CANCELLED: frozenset(),
    S.DEAD: frozenset(),
}
"""Which other state may follow; the same one may, with another fill. A draft is found on the chain when the store was
put back to an earlier day. Backwards means a reorganisation, or that what was signed can provably not be mined."""

ENDED = frozenset(state for state, after in LEGAL.items() if not after)


class Depth(StrEnum):
    """How settled the block is that a transaction is in."""

    LATEST = "latest"
    SAFE = "safe"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Mined:
    """The receipt that decides a trade: how settled, and the fill that it proves, None when it reverted."""

    depth: Depth
    fill: Fill | None


@dataclass(frozen=True, slots=True)
class Unmined:
    """What the chain shows of a trade that has no receipt, neither ours nor anybody's.

    account_nonce: how many transactions the account has sent, by the newest block and by the final one. is_nonce_used:
    the intent's bit in the contract. time_s: of the newest and of the final block. The receipt must have been looked
    for after all of these were read: what was mined between two looks would seem to be nowhere.
    """

    account_nonce: int
    final_account_nonce: int
    is_nonce_used: bool
    is_nonce_used_final: bool
    time_s: int
    final_time_s: int


Seen = Mined | Unmined


@dataclass(frozen=True, slots=True)
class Patience:
    """After how many seconds without a block the same bytes are sent again, and a dearer variant is."""

    resend_s: int = 12
    bump_s: int = 45


class Action(StrEnum):
    """What to do about an entry now.

    SEND: hand out the variants that were handed out, or the first. BUMP: hand out the next dearer one. MOVE: write down
    what the chain shows. SIGN: a transaction is missing, and only the person's wallet can make one. FILL_GAP: a
    transaction below its account nonce is missing. MAKE_WAY: it was sent, its deadline has passed, and it still holds
    its account nonce: what is sent next waits behind something that can only fail.
    """

    NOTHING = "nothing"
    WAIT = "wait"
    SEND = "send"
    BUMP = "bump"
    MOVE = "move"
    SIGN = "sign"
    FILL_GAP = "fill gap"
    MAKE_WAY = "make way"


@dataclass(frozen=True, slots=True)
class Step:
    """An action; with MOVE, the state that follows and the fill that goes with it."""

    action: Action
    state: TradeState | None = None
    fill: Fill | None = None


def is_legal(before: TradeState, after: TradeState) -> bool:
    """Say whether an entry may go from one state to the other; what has ended does not even stay."""
    return after in LEGAL[before] or (before is after and before in (S.MINED, S.SAFE))


def next_step(entry: JournalEntry, seen: Seen, now_s: int, patience: Patience | None = None) -> Step:
    """Decide what to do about an entry. `now_s`: the clock's time, for patience alone; deadlines are block time's."""
    if entry.state in ENDED:
        return Step(Action.NOTHING)
    if isinstance(seen, Mined):
        return _mined(entry, seen)
    if entry.state in (S.MINED, S.SAFE):
        # A reorganisation took it out. Our bytes go out again; somebody else's are theirs to send.
        return Step(Action.MOVE, S.BROADCAST if entry.variants else S.APPROVED)
    ended = _ended(entry, seen)
    if ended is not None:
        return Step(Action.MOVE, ended)
    if entry.account_nonce is None:
        return Step(Action.SIGN if _is_alive(entry, seen) and entry.state is S.APPROVED else Action.WAIT)
    if seen.final_account_nonce > entry.account_nonce:
        # Another transaction took its account nonce for good, and the intent is unused: what was signed can never be
        # mined, so a new transaction for the same intent cannot make two trades of it.
        return Step(Action.MOVE, S.APPROVED)
    return _on_its_way(entry, seen, now_s, patience or Patience())


def _mined(entry: JournalEntry, mined: Mined) -> Step:
    if mined.fill is None and entry.is_mandated:
        # The sale that was refused on chain has used nothing of the mandate: it may be tried again, and the contract
        # executes its nonce once, whichever attempt that is.
        return Step(Action.MOVE, S.APPROVED)
    if mined.depth is Depth.FINAL:
        state = S.REVERTED if mined.fill is None else S.FINAL
    else:
        state = S.SAFE if mined.depth is Depth.SAFE and mined.fill is not None else S.MINED
    if entry.state in (S.DRAFT, S.APPROVED, S.TX_SIGNED, S.BROADCAST):
        state = S.MINED  # every trade passes through MINED, so that its listeners see it once
    if (state, mined.fill) == (entry.state, entry.fill):
        return Step(Action.WAIT)
    return Step(Action.MOVE, state, mined.fill)


def _ended(entry: JournalEntry, seen: Unmined) -> TradeState | None:
    """Return how it ended, by the final block alone."""
    if seen.is_nonce_used_final:
        return S.CANCELLED
    if seen.final_time_s > entry.trade.intent.deadline_s:
        return S.DEAD
    return None


def _is_alive(entry: JournalEntry, seen: Unmined) -> bool:
    return seen.time_s <= entry.trade.intent.deadline_s and not seen.is_nonce_used


def _on_its_way(entry: JournalEntry, seen: Unmined, now_s: int, patience: Patience) -> Step:
    nonce = entry.account_nonce
    is_late = seen.time_s > entry.trade.intent.deadline_s
    if is_late and entry.state is S.BROADCAST and seen.account_nonce == nonce:
        return Step(Action.MAKE_WAY)
    if nonce is None or seen.account_nonce > nonce or not _is_alive(entry, seen):
        return Step(Action.WAIT)  # something happened that is not final yet, or it would only revert
    if seen.account_nonce < nonce:
        return Step(Action.FILL_GAP)
    waited_s = None if entry.sent_at_s is None else now_s - entry.sent_at_s
    if entry.state is S.TX_SIGNED or waited_s is None:
        return Step(Action.SEND)
    # Sending the same bytes again is no reason to wait longer for a dearer form.
    since_s = entry.sent_at_s if entry.dearest_at_s is None else entry.dearest_at_s
    if since_s is not None and now_s - since_s >= patience.bump_s and entry.handed_out < len(entry.variants):
        return Step(Action.BUMP)
    return Step(Action.SEND if waited_s >= patience.resend_s or waited_s < 0 else Action.WAIT)
