"""A person's own wallet on the served embedded chain, and what they do with it at a terminal."""

from pathlib import Path
from typing import Any

import httpx
import pexpect
from cli_process import START
from eth_account import Account

from bethna_cli.adapters.abi import artifact
from bethna_cli.adapters.clocks import SystemClock
from bethna_cli.adapters.keystore import Derivation, WalletFolder
from bethna_cli.adapters.keystore_v3 import ACCEPTED
from bethna_cli.adapters.sim.public_keys import private_key
from bethna_cli.domain.embedded import EMBEDDED_CHAIN_ID, PUBLIC_CONTRACTS
from bethna_cli.domain.wallet import Password, PrivateKey
from bethna_cli.settings_files import make_private

USDC, TRADER = PUBLIC_CONTRACTS["usdc"], PUBLIC_CONTRACTS["trader"]
TOKEN = artifact("DevelopmentUSDC")
KEY = "0x" + "42" * 32
PASSWORD = "correct horse battery"
OWN = Account.from_key(KEY).address.lower()


def asked(world: Any, method: str, *params: object) -> Any:
    """Ask the served chain's node, and return its result."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return httpx.post(world("sim", "status")["rpc_url"], json=body).json()["result"]


def send(world: Any, key: bytes | str, calls: list[tuple[str, bytes, int]]) -> None:
    """Send transactions to the served chain from a key's account."""
    account = Account.from_key(key)
    first_nonce = int(asked(world, "eth_getTransactionCount", account.address, "pending"), 16)
    for nonce, (to, data, value) in enumerate(calls, first_nonce):
        signed = account.sign_transaction(
            {
                "type": 2, "chainId": EMBEDDED_CHAIN_ID, "nonce": nonce, "to": bytes.fromhex(to[2:]), "data": data,
                "value": value, "gas": 100_000, "maxFeePerGas": 10**8, "maxPriorityFeePerGas": 0,
            }
        )  # fmt: skip
        asked(world, "eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())


def bring_in(home: Path) -> None:
    """Keep the own wallet in a home, encrypted as weakly as is accepted: it is opened at every signature."""
    folder = make_private(home / "data") / "wallets"
    wallets = WalletFolder(folder, SystemClock(), Derivation(ACCEPTED.least_cost))
    wallets.keep("mine", PrivateKey(bytes.fromhex(KEY[2:])), Password(PASSWORD))


def fund(world: Any, environment: dict[str, str]) -> None:
    """Bring in the own wallet, use it in the embedded world, and give it ETH and USDC."""
    bring_in(Path(environment["BETHNA_HOME"]))
    world("wallet", "use", "mine")
    world("sim", "up", "--detach")
    transfer = TOKEN.function("transfer").encode(OWN, 500_000_000)
    send(world, private_key("throwaway_wallet"), [(OWN, b"", 10**17), (USDC, transfer, 0)])


def read(world: Any, token: str, name: str, *arguments: object) -> int:
    """Call a token's view function on the served chain."""
    function = TOKEN.function(name)
    call = {"to": token, "data": "0x" + function.encode(*arguments).hex()}
    answer = asked(world, "eth_call", call, "latest")
    (value,) = function.decode(bytes.fromhex(answer[2:]))
    return int(value)


def at_terminal(environment: dict[str, str], *words: str) -> pexpect.spawn:
    """Start `bethna WORDS…` at a terminal of its own."""
    env = {**environment, "NO_COLOR": "1", "COLUMNS": "160"}
    return pexpect.spawn(START[0], [*START[1:], *words], env=env, encoding="utf-8", timeout=60, dimensions=(60, 160))


def type_code_and_password(screen: pexpect.spawn, question: str, password: str = PASSWORD) -> str:
    """Type a plan's code where it is asked for, then the password where the same code asks for it; returns the card."""
    screen.expect(question + ", type ([0-9a-f]{4});")
    card, code = str(screen.before), str(screen.match[1])
    screen.sendline(code)
    screen.expect(f"Password of mine .* plan {code} on chain {EMBEDDED_CHAIN_ID}: ")
    screen.sendline(password)
    return card
