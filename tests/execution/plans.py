"""Random trades with every field at its full width, and small ones to vary by hand."""

from hypothesis import strategies as st

from bethna_cli.domain.chain import NO_ADDRESS, Address, Hash, SigningDomain
from bethna_cli.domain.trade import LAST_MOMENT_S, PlannedTrade, Side, TradeIntent
from bethna_cli.domain.units import Bps
from bethna_cli.execution.plan import QuotedLeg, Terms

USER = Address("0x" + "11" * 20)
OPTION = Address("0x" + "22" * 20)
ROUTER = Address("0x" + "33" * 20)
CONTRACT = Address("0x" + "44" * 20)
PLAN_ID = Hash("0x" + "55" * 32)
DOMAIN = SigningDomain("SentientTrader", "1", 779_977, CONTRACT)
NOW_S = 1_795_000_000

addresses = st.binary(min_size=20, max_size=20).map(lambda value: Address("0x" + value.hex()))
hashes = st.binary(min_size=32, max_size=32).map(lambda value: Hash("0x" + value.hex()))
numbers = st.one_of(st.integers(0, 2**64), st.integers(0, 2**256 - 1))
intents = st.builds(
    TradeIntent,
    user=addresses,
    executor=st.one_of(st.just(NO_ADDRESS), addresses),
    side=st.sampled_from(Side),
    option_token=addresses,
    router=addresses,
    amount_in=numbers,
    quoted_amount_out=numbers,
    min_amount_out=numbers,
    nonce=numbers,
    deadline_s=st.integers(0, LAST_MOMENT_S),
    ref=hashes,
)
trades = st.builds(
    PlannedTrade,
    purpose=st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True),
    domain=st.builds(
        SigningDomain, st.just("SentientTrader"), st.just("1"), st.integers(1, 2**256 - 1), verifying_contract=addresses
    ),
    intent=intents,
)
plans = st.lists(trades, min_size=1, max_size=4)


def leg(side: Side = Side.BUY, amount_in: int = 100_000_000, quoted: int = 2_000_000) -> QuotedLeg:
    return QuotedLeg(side, OPTION, ROUTER, amount_in, quoted)


def terms(lifetime_s: int = 300, slippage: int = 100, plan_id: Hash = PLAN_ID) -> Terms:
    ref = Hash("0x" + "66" * 32)
    return Terms(plan_id, DOMAIN, USER, USER, ref, Bps(slippage), NOW_S, lifetime_s)
