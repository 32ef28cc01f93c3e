"""The watcher's own key: it opens without a person, it is the pinned one or none, and signs exits and nothing else."""

import json
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.keystore import Derivation
from bethna_cli.adapters.keystore_v3 import ScryptLimits
from bethna_cli.adapters.watcher_key import KEY_FILE, MOST_EXIT_GAS, PASSWORD_FILE, ExitKey, WatcherAccount
from bethna_cli.domain.chain import Address, Fees, Hash, SigningDomain
from bethna_cli.domain.errors import BethnaError, ConfigurationError, KeystoreRefused, PlanRefused
from bethna_cli.domain.mandate import Mandate, MandateKind, MandateState
from bethna_cli.domain.trade import PlannedTrade, Side, TradeIntent
from bethna_cli.domain.wallet import PrivateKey

PERSON, TOKEN, ROUTER, TRADER = (Address("0x" + digits * 20) for digits in ("11", "22", "33", "44"))
CHEAP = Derivation(2**10, ScryptLimits(least_cost=2**10))
FEES = Fees(5_000_000, 1_000_000)


def account(folder: Path) -> WatcherAccount:
    return WatcherAccount(folder, derivation=CHEAP)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Address]:
    folder = tmp_path_factory.mktemp("home") / "watcher"
    return folder, account(folder).create()


@pytest.fixture
def exit_key() -> ExitKey:
    account = Account.from_key(b"\x07" * 32)
    return ExitKey(PrivateKey(b"\x07" * 32), Address(account.address.lower()))


def mandate(executor: Address) -> Mandate:
    intent = TradeIntent(
        PERSON, executor, Side.SELL, TOKEN, ROUTER, 10**6, 50 * 10**6, 25 * 10**6, 7, 2_000_000_000,
        Hash("0x" + "ab" * 32),
    )  # fmt: skip
    trade = PlannedTrade("stop-loss", SigningDomain("SentientTrader", "1", 779_977, TRADER), intent)
    digest = Hash("0x" + "cd" * 32)
    return Mandate(digest, MandateKind.STOP_LOSS, trade, b"\x01" * 65, None, datetime.now(UTC), MandateState.OPEN)


def test_a_key_is_made_once_and_is_for_its_owners_eyes_only(made: tuple[Path, Address]):
    folder, address = made

    assert account(folder).create() == address == account(folder).address()
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in (KEY_FILE, PASSWORD_FILE)} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_it_opens_by_itself_to_the_pinned_account_and_to_no_other(made: tuple[Path, Address]):
    folder, address = made

    assert account(folder).open(address).address == address
    with pytest.raises(KeystoreRefused, match="not to the pinned"):
        account(folder).open(PERSON)


def test_a_keystore_that_states_another_address_still_opens_to_its_own(made: tuple[Path, Address], tmp_path: Path):
    folder, _ = made
    copy = tmp_path / "watcher"
    copy.mkdir(mode=0o700)
    document = json.loads((folder / KEY_FILE).read_text())
    changed = {
        KEY_FILE: json.dumps(document | {"address": PERSON[2:]}),
        PASSWORD_FILE: (folder / PASSWORD_FILE).read_text(),
    }
    for name, text in changed.items():
        (copy / name).write_text(text)
        (copy / name).chmod(0o600)

    assert account(copy).address() == PERSON
    with pytest.raises(KeystoreRefused):
        account(copy).open(PERSON)


@pytest.mark.parametrize("missing", [KEY_FILE, PASSWORD_FILE])
def test_without_its_key_or_its_password_it_can_only_warn(made: tuple[Path, Address], tmp_path: Path, missing: str):
    folder, address = made
    copy = tmp_path / "watcher"
    copy.mkdir(mode=0o700)
    for name in {KEY_FILE, PASSWORD_FILE} - {missing}:
        (copy / name).write_text((folder / name).read_text())
        (copy / name).chmod(0o600)

    with pytest.raises(ConfigurationError, match="can only warn"):
        account(copy).open(address)


def test_a_folder_that_others_can_reach_is_refused(made: tuple[Path, Address], tmp_path: Path):
    copy = tmp_path / "watcher"
    copy.mkdir(mode=0o755)
    (copy / KEY_FILE).write_text("{}")

    with pytest.raises(KeystoreRefused, match="0755"):
        account(copy).address()


def test_what_it_signs_is_the_mandate_word_for_word_without_a_wei_of_value(exit_key: ExitKey):
    signed = mandate(exit_key.address)

    (low, high) = exit_key.sign(signed, 48 * 10**6, b"route", 3, 400_000, [FEES, Fees(9_000_000, 1_000_000)])

    for transaction, most in ((low, 11_000_000), (high, 19_000_000)):
        fields = TypedTransaction.from_bytes(HexBytes(transaction.raw)).as_dict()
        assert "0x" + bytes(fields["to"]).hex() == TRADER
        assert (fields["value"], fields["nonce"], fields["maxFeePerGas"], fields["chainId"]) == (0, 3, most, 779_977)
        values, signature, minimum, route = (
            artifact("SentientTrader").function("executeTrade").decode_input(fields["data"])
        )
        assert values[:5] == (PERSON, exit_key.address, 1, TOKEN, ROUTER)
        assert (signature, minimum, route) == (signed.signature, 48 * 10**6, b"route")
        assert Account.recover_transaction(transaction.raw).lower() == exit_key.address


@pytest.mark.parametrize(
    ("minimum", "gas", "fees", "reason"),
    [
        (0, 400_000, FEES, "nothing in return"),
        (1, MOST_EXIT_GAS + 1, FEES, "could cost"),
        (1, 400_000, Fees(10**13, 0), "could cost"),
    ],
)
def test_it_gives_nothing_away(exit_key: ExitKey, minimum: int, gas: int, fees: Fees, reason: str):
    with pytest.raises(PlanRefused, match=reason):
        exit_key.sign(mandate(exit_key.address), minimum, b"", 0, gas, [fees])


def test_it_signs_no_mandate_that_names_another_executor(exit_key: ExitKey):
    with pytest.raises(PlanRefused, match="executor"):
        exit_key.sign(mandate(ROUTER), 1, b"", 0, 400_000, [FEES])


def test_its_key_is_in_no_repr_and_no_message(exit_key: ExitKey):
    secret = (b"\x07" * 32).hex()

    assert secret not in repr(vars(exit_key)) + repr(exit_key)
    with pytest.raises(BethnaError) as refused:
        exit_key.sign(replace(mandate(ROUTER)), 1, b"", 0, 400_000, [FEES])
    assert secret not in str(refused.value)
