"""Plans that the signer signs, from which tests make those it must not."""

from bethna_cli.adapters.keys import address_of
from bethna_cli.domain.chain import Address, Hash
from bethna_cli.domain.signing import Approve, Pins, Plan, Step, Submit
from bethna_cli.domain.trade import Side, TradeIntent
from bethna_cli.domain.wallet import Password, PrivateKey

KEY = PrivateKey(bytes.fromhex("4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"))
USER = address_of(KEY)
PASSWORD = Password("correct horse battery")
CONTRACT = Address("0x" + "c0" * 20)
USDC = Address("0x833589fcd6edb6e08f4c7c32d4f71b54bda02913")
WATCHER = Address("0x" + "aa" * 20)
OPTION = Address("0x" + "0b" * 20)
ROUTER = Address("0x" + "0e" * 20)
STRANGER = Address("0x" + "66" * 20)
BASE = 8453
NOW_S = 1_795_000_000
QUOTE = b"\x01" * 96

PINS = Pins(BASE, CONTRACT, USDC, "USD Coin", "2", WATCHER, clock_skew_s=120)

BUY = TradeIntent(
    user=USER,
    executor=USER,
    side=Side.BUY,
    option_token=OPTION,
    router=ROUTER,
    amount_in=50_000_000,
    quoted_amount_out=1_000_000,
    min_amount_out=990_000,
    nonce=11,
    deadline_s=NOW_S + 600,
    ref=Hash("0x" + "12" * 32),
)
STOP_LOSS = TradeIntent(
    user=USER,
    executor=WATCHER,
    side=Side.SELL,
    option_token=OPTION,
    router=ROUTER,
    amount_in=1_000_000,
    quoted_amount_out=40_000_000,
    min_amount_out=20_000_000,
    nonce=12,
    deadline_s=NOW_S + 6 * 86_400,
    ref=Hash("0x" + "12" * 32),
)


def step(action: object, nonce: int = 0) -> Step:
    return Step(action, nonce, gas=400_000, max_fee_wei=50_000_000, tip_wei=1_000_000)


PURCHASE = Plan(
    chain_id=BASE,
    contract=CONTRACT,
    user=USER,
    block_time_s=NOW_S,
    intents=(BUY, STOP_LOSS),
    steps=(
        step(Approve(USDC, 50_000_000), 0),
        step(Approve(OPTION, 1_000_000), 1),
        step(Submit(0, 990_000), 2),
    ),
)
