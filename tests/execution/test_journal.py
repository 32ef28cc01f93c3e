"""A trade ends only by what is final, nothing is ever sent twice as something new, and unknown stays unknown."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from plans import NOW_S, PLAN_ID, leg, terms

from bethna_cli.adapters.abi import keccak
from bethna_cli.domain.chain import Hash
from bethna_cli.domain.journal import Fill, JournalEntry, TradeState
from bethna_cli.domain.signing import SignedTransaction
from bethna_cli.execution.journal import ENDED, LEGAL, Action, Depth, Mined, Seen, Step, Unmined, is_legal, next_step
from bethna_cli.execution.plan import planned

S = TradeState
TRADE = planned([leg()], terms(lifetime_s=300), keccak)[0]
DEADLINE_S = NOW_S + 300
VARIANTS = tuple(SignedTransaction(Hash("0x" + f"{n:064x}"), 5, bytes([n])) for n in (1, 2))
FILL = Fill(VARIANTS[0].hash, 0, 10, Hash("0x" + "bb" * 32), 100_000_000, 2_000_000, 200_000, 5_000_000)
APPROVED = JournalEntry(Hash("0x" + "ee" * 32), PLAN_ID, TRADE, S.APPROVED, 1)
SIGNED = replace(APPROVED, state=S.TX_SIGNED, variants=VARIANTS)
SENT = replace(SIGNED, state=S.BROADCAST, handed_out=1, sent_at_s=NOW_S)
QUIET = Unmined(5, 5, is_nonce_used=False, is_nonce_used_final=False, time_s=NOW_S, final_time_s=NOW_S - 4)


def on_chain(depth: Depth, fill: Fill | None = FILL) -> Mined:
    return Mined(depth, fill)


def step(entry: JournalEntry, seen: Seen, waited_s: int = 0) -> Step:
    return next_step(entry, seen, NOW_S + waited_s)


# ── the usual way ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_approved_trade_needs_the_persons_wallet_and_nothing_else_goes_on_without_it():
    assert step(APPROVED, QUIET).action is Action.SIGN
    assert step(replace(APPROVED, state=S.DRAFT), QUIET).action is Action.WAIT


def test_a_signed_transaction_is_sent_and_then_waited_for():
    assert step(SIGNED, QUIET).action is Action.SEND
    assert step(SENT, QUIET).action is Action.WAIT


def test_silence_sends_the_same_bytes_again_and_later_the_dearer_ones():
    assert step(SENT, QUIET, waited_s=12).action is Action.SEND
    assert step(SENT, QUIET, waited_s=45).action is Action.BUMP
    assert step(replace(SENT, handed_out=2), QUIET, waited_s=45).action is Action.SEND


@pytest.mark.parametrize(
    ("state", "depth", "after"),
    [
        (S.BROADCAST, Depth.LATEST, S.MINED),
        (S.BROADCAST, Depth.FINAL, S.MINED),
        (S.TX_SIGNED, Depth.LATEST, S.MINED),
        (S.APPROVED, Depth.SAFE, S.MINED),
        (S.MINED, Depth.SAFE, S.SAFE),
        (S.MINED, Depth.FINAL, S.FINAL),
        (S.SAFE, Depth.FINAL, S.FINAL),
        (S.SAFE, Depth.LATEST, S.MINED),
    ],
)
def test_what_the_chain_shows_is_written_down(state: TradeState, depth: Depth, after: TradeState):
    entry = replace(SENT, state=state, fill=FILL if state in (S.MINED, S.SAFE) else None)

    assert step(entry, on_chain(depth)) == Step(Action.MOVE, after, FILL)


def test_a_reverted_trade_is_over_only_when_its_block_is_final():
    mined = replace(SENT, state=S.MINED)

    assert step(mined, on_chain(Depth.SAFE, None)).action is Action.WAIT
    assert step(mined, on_chain(Depth.FINAL, None)) == Step(Action.MOVE, S.REVERTED, None)


# ── reorganisations ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_block_that_is_taken_back_takes_the_fill_with_it_and_the_same_bytes_go_out_again():
    unmined = step(replace(SENT, state=S.SAFE, fill=FILL), QUIET)

    assert unmined == Step(Action.MOVE, S.BROADCAST, None)
    assert step(SENT, QUIET, waited_s=12).action is Action.SEND


def test_what_another_copy_of_the_wallet_sent_is_theirs_to_send_again():
    found = replace(APPROVED, state=S.MINED, fill=FILL)

    assert step(found, QUIET) == Step(Action.MOVE, S.APPROVED)


def test_a_trade_mined_again_with_another_outcome_is_the_same_entry_with_the_new_one():
    other = replace(FILL, block_number=11, amount_out=1_990_000)
    mined = replace(SENT, state=S.MINED, fill=FILL)

    assert step(mined, on_chain(Depth.LATEST, other)) == Step(Action.MOVE, S.MINED, other)
    assert step(mined, on_chain(Depth.LATEST, None)) == Step(Action.MOVE, S.MINED, None)


# ── ends, and what is none ────────────────────────────────────────────────────────────────────────────────────────


def test_a_trade_is_dead_when_a_final_block_is_past_its_deadline_and_not_a_second_before():
    late = replace(QUIET, time_s=DEADLINE_S + 60)

    assert step(SENT, replace(late, final_time_s=DEADLINE_S)).state is None
    assert step(SENT, replace(late, final_time_s=DEADLINE_S + 1)) == Step(Action.MOVE, S.DEAD)


def test_a_trade_past_its_deadline_whose_nonce_is_used_is_not_called_dead():
    late = replace(QUIET, time_s=DEADLINE_S + 60, final_time_s=DEADLINE_S + 1, is_nonce_used=True)

    assert step(SENT, replace(late, is_nonce_used_final=True)) == Step(Action.MOVE, S.CANCELLED)
    assert step(SENT, replace(late, final_time_s=DEADLINE_S)).state is None


def test_a_cancelled_nonce_ends_a_trade_only_when_that_is_final():
    used = replace(QUIET, is_nonce_used=True)

    assert step(SENT, used, waited_s=600).action is Action.WAIT
    assert step(SENT, replace(used, is_nonce_used_final=True)) == Step(Action.MOVE, S.CANCELLED)


def test_a_used_account_nonce_is_unknown_until_it_is_final_and_then_needs_a_new_transaction():
    taken = replace(QUIET, account_nonce=6)

    assert step(SENT, taken, waited_s=600).action is Action.WAIT
    assert step(SENT, replace(taken, final_account_nonce=6)) == Step(Action.MOVE, S.APPROVED)


def test_a_missing_transaction_below_is_a_gap_and_not_waited_for_in_silence():
    assert step(SENT, replace(QUIET, account_nonce=4)).action is Action.FILL_GAP


def test_what_was_sent_and_can_only_revert_is_to_make_way_while_it_holds_its_account_nonce():
    late = replace(QUIET, time_s=DEADLINE_S + 1)

    assert step(SENT, late).action is Action.MAKE_WAY
    assert step(SENT, replace(late, account_nonce=late.account_nonce + 1)).action is Action.WAIT
    assert step(SENT, replace(late, time_s=DEADLINE_S)).action is not Action.MAKE_WAY


def test_what_would_only_revert_is_not_sent_any_more():
    assert step(SIGNED, replace(QUIET, time_s=DEADLINE_S + 1)).action is Action.WAIT
    assert step(replace(APPROVED), replace(QUIET, time_s=DEADLINE_S + 1)).action is Action.WAIT


@pytest.mark.parametrize("state", sorted(ENDED))
def test_what_has_ended_stays_so(state: TradeState):
    assert step(replace(SENT, state=state), on_chain(Depth.LATEST)).action is Action.NOTHING
    assert not any(is_legal(state, after) for after in S)


UNMINED = st.builds(
    Unmined,
    account_nonce=st.integers(3, 7),
    final_account_nonce=st.integers(3, 7),
    is_nonce_used=st.booleans(),
    is_nonce_used_final=st.booleans(),
    time_s=st.integers(NOW_S, NOW_S + 700),
    final_time_s=st.integers(NOW_S, NOW_S + 700),
)


SEEN = st.one_of(st.builds(Mined, st.sampled_from(Depth), st.sampled_from([None, FILL])), UNMINED)
POSSIBLE = [
    *(replace(APPROVED, state=state) for state in S if state not in (S.TX_SIGNED, S.BROADCAST)),
    *(replace(SENT, state=state) for state in S if state not in (S.DRAFT, S.APPROVED)),
]


@settings(max_examples=1_000)
@given(st.sampled_from(POSSIBLE), SEEN, st.integers(-10, 700))
def test_whatever_the_chain_shows_every_move_is_legal(entry: JournalEntry, seen: Seen, waited_s: int):
    decided = step(entry, seen, waited_s)

    assert decided.state is None or is_legal(entry.state, decided.state)
    assert (decided.action is Action.MOVE) == (decided.state is not None)


@given(st.sampled_from(POSSIBLE), SEEN, st.integers(-10, 700))
def test_nothing_is_sent_that_was_not_journaled(entry: JournalEntry, seen: Seen, waited_s: int):
    decided = step(entry, seen, waited_s)

    assert entry.variants or decided.action not in (Action.SEND, Action.BUMP)


# ── a chain that does what it likes ───────────────────────────────────────────────────────────────────────────────


class TradeOnAChain(RuleBasedStateMachine):
    """A chain mines, drops, reorganises and lets time pass; the journal follows `next_step` at moments of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.entry = SIGNED
        self.pool: set[Hash] = set()
        self.blocks: list[Hash | None] = [None] * 4
        self.time_s = NOW_S
        self.handed: list[bytes] = []

    @initialize()
    def begin(self) -> None:
        self.look()

    @rule()
    def mine(self) -> None:
        self.time_s += 2
        found = min(self.pool) if self.pool and self.executed() is None and self.time_s <= DEADLINE_S else None
        self.pool -= {found} if found else set()
        self.blocks.append(found)

    @rule(seconds=st.integers(1, 200))
    def wait(self, seconds: int) -> None:
        self.time_s += seconds

    @precondition(lambda self: self.pool)
    @rule()
    def drop_from_pool(self) -> None:
        self.pool.clear()

    @rule(depth=st.integers(1, 2))
    def reorganise(self, depth: int) -> None:
        self.blocks[-depth:] = [None] * depth

    @rule()
    def look(self) -> None:
        decided = next_step(self.entry, self.seen(), self.time_s)
        if decided.action in (Action.SEND, Action.BUMP):
            count = max(1, self.entry.handed_out) + (decided.action is Action.BUMP)
            for variant in VARIANTS[:count]:
                self.handed.append(variant.raw)
                if self.executed() is None:
                    self.pool.add(variant.hash)
            state = S.BROADCAST
            self.entry = replace(self.entry, state=state, handed_out=count, sent_at_s=self.time_s)
        elif decided.state is not None:
            assert decided.state in LEGAL[self.entry.state] or decided.state is self.entry.state
            self.entry = replace(self.entry, state=decided.state, fill=decided.fill)

    def executed(self) -> int | None:
        return next((height for height, found in enumerate(self.blocks) if found), None)

    def seen(self) -> Seen:
        height, final = self.executed(), len(self.blocks) - 3
        if height is not None:
            depth = Depth.FINAL if height <= final else Depth.SAFE if height <= final + 1 else Depth.LATEST
            fill = replace(FILL, block_number=height, transaction=self.blocks[height] or FILL.transaction)
            return Mined(depth, fill)
        return Unmined(5, 5, False, False, self.time_s, self.time_s - 4)

    @invariant()
    def only_journaled_bytes_ever_left(self) -> None:
        assert set(self.handed) <= {variant.raw for variant in VARIANTS}

    @invariant()
    def it_is_bought_once_at_most(self) -> None:
        assert sum(found is not None for found in self.blocks) <= 1

    @invariant()
    def an_end_is_what_the_chain_says_for_ever(self) -> None:
        if self.entry.state is S.FINAL:
            assert self.entry.fill is not None
            assert self.blocks[self.entry.fill.block_number] == self.entry.fill.transaction
        if self.entry.state is S.DEAD:
            assert self.executed() is None
            assert self.time_s > DEADLINE_S


TestTradeOnAChain = TradeOnAChain.TestCase
TestTradeOnAChain.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


# ── exits that the watcher sends ──────────────────────────────────────────────────────────────────────────────────

EXIT = replace(TRADE, intent=replace(TRADE.intent, executor="0x" + "77" * 20))


@pytest.mark.parametrize("depth", list(Depth))
def test_an_exit_that_the_chain_refused_may_be_tried_again_within_its_mandate(depth: Depth):
    entry = replace(SENT, trade=EXIT)

    assert entry.account == EXIT.intent.executor
    assert step(entry, on_chain(depth, fill=None)) == Step(Action.MOVE, S.APPROVED)
    assert step(SENT, on_chain(depth, fill=None)).state is S.MINED


def test_an_exit_is_never_tried_again_once_its_nonce_is_used_or_its_time_is_over():
    entry = replace(SENT, trade=EXIT, state=S.APPROVED, variants=())

    assert step(entry, replace(QUIET, is_nonce_used=True)).action is Action.WAIT
    assert step(entry, replace(QUIET, is_nonce_used=True, is_nonce_used_final=True)).state is S.CANCELLED
    assert step(entry, replace(QUIET, time_s=DEADLINE_S + 1, final_time_s=DEADLINE_S + 1)).state is S.DEAD
