"""What `bethna contract` prints: a contract's state, what was compared, a transaction sent or left to be signed."""

import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bethna_cli.bootstrap.chain import OnChain, shown_address
from bethna_cli.cli import output
from bethna_cli.domain.chain import NO_ADDRESS, ContractState, UnsignedTransaction
from bethna_cli.domain.errors import ContractMismatch
from bethna_cli.domain.units import from_unix, iso, usdc_to_decimal
from bethna_cli.flow.deploy import Finding, Sent, send

if TYPE_CHECKING:
    from bethna_cli.settings import Settings

WEI_PER_ETH = 10**18
_ADDRESS = re.compile(r"0x[0-9a-f]{40}(?![0-9a-f])")


async def settle(
    place: OnChain, transaction: UnsignedTransaction, next_command: str, as_json: bool, no_color: bool
) -> None:
    """Send a transaction where its account's key is public; elsewhere print it for a wallet to sign."""
    if place.signer is None:
        _show_unsigned(place.network, transaction, next_command, as_json)
        return
    sent = await send(place.chain, place.signer, transaction)
    document = _sent_json(place.network, sent)
    if as_json:
        output.emit(document)
        return
    _print_pairs(document, no_color)
    if sent.contract is not None:
        next_command = f"{next_command} {shown_address(sent.contract)}"
    output.console(no_color).print(f"Next: {next_command}", soft_wrap=True)


def _sent_json(network: str, sent: Sent) -> dict[str, object]:
    return {
        "network": network,
        "simulated": True,
        "transaction": sent.transaction,
        "block": sent.block_number,
        "gas_used": sent.gas_used,
        "contract": None if sent.contract is None else shown_address(sent.contract),
    }


def _show_unsigned(network: str, transaction: UnsignedTransaction, next_command: str, as_json: bool) -> None:
    """Print a transaction as JSON, amounts as 0x numbers the way wallets read them, and what to do with it."""
    unsigned = {
        "chainId": hex(transaction.chain_id),
        "type": "0x2",
        "from": shown_address(transaction.sender),
        "nonce": hex(transaction.nonce),
        "to": None if transaction.to is None else shown_address(transaction.to),
        "value": hex(transaction.value_wei),
        "gas": hex(transaction.gas),
        "maxFeePerGas": hex(transaction.fees.max_fee_wei),
        "maxPriorityFeePerGas": hex(transaction.fees.tip_wei),
        "data": "0x" + transaction.data.hex(),
    }
    where = f"{next_command} ADDRESS" if transaction.to is None else next_command
    if as_json:
        output.emit({"network": network, "simulated": False, "unsigned_transaction": unsigned, "next": where})
        return
    output.emit(unsigned)
    cost = f"{transaction.highest_cost_wei / WEI_PER_ETH:.6f}"
    sys.stderr.write(
        f"Nothing was signed or sent: signing inside bethna needs a wallet, and bethna has none on {network} yet.\n"
        f"Sign and send it with the wallet of {shown_address(transaction.sender)}; gas costs at most {cost} ETH, and\n"
        f"{network} adds its data fee. Then: {where} --network {network}\n"
    )


def show_state(place: OnChain, state: ContractState, settings: "Settings", as_json: bool, no_color: bool) -> None:
    """Print a contract's state, and how much it is worth: pinned or not, one endpoint or several."""
    is_pinned = settings.trader_pin == (state.address, state.code_hash)
    document = _state_json(place.network, state) | {"pinned": is_pinned, "rpc_endpoints": place.chain.endpoints}
    if as_json:
        output.emit(document)
        return
    _print_pairs(document, no_color)
    if place.chain.endpoints == 1:
        output.console(no_color).print("One RPC endpoint: nothing checks what it says.", style="dim")


def _state_json(network: str, state: ContractState) -> dict[str, object]:
    return {
        "network": network,
        "simulated": network == "sim",
        "contract": shown_address(state.address),
        "code_hash": state.code_hash,
        "this_release": state.is_release,
        "block": state.block.number,
        "time": iso(from_unix(state.block.timestamp_s)),
        "paused": state.is_paused,
        "exits_paused": state.are_exits_paused,
        "owner": shown_address(state.owner),
        "next_owner": None if state.pending_owner == NO_ADDRESS else shown_address(state.pending_owner),
        "guardian": None if state.guardian == NO_ADDRESS else shown_address(state.guardian),
        "usdc": shown_address(state.usdc),
        "routers": [
            {
                "address": shown_address(router.address),
                "listing": router.listing.name.lower(),
                "default": router.address == state.default_router,
                "code_unchanged": router.code_hash == router.listed_code_hash,
            }
            for router in state.routers
            if router.address != NO_ADDRESS
        ],
        "balance_usdc": str(usdc_to_decimal(state.balance_usdc)),
        "balance_wei": str(state.balance_wei),
    }


def show_findings(state: ContractState, found: Sequence[Finding], as_json: bool, no_color: bool) -> None:
    """Print what was compared; as JSON only when nothing differs, because a difference is an error there."""
    if as_json:
        if all(one.is_ok for one in found):
            rows = [{"what": f.what, "expected": f.expected, "found": f.found, "ok": f.is_ok} for f in found]
            output.emit({"contract": shown_address(state.address), "code_hash": state.code_hash, "findings": rows})
        return
    from rich.text import Text

    from bethna_cli.cli.tables import table, words

    grid = table("", "what", "found")
    for one in found:
        mark = Text("ok", style="green") if one.is_ok else Text("NO", style="bold red")
        shown = one.found if one.is_ok else f"{one.found}, not {one.expected}"
        grid.add_row(mark, one.what, words(_ADDRESS.sub(lambda match: shown_address(match[0]), shown)))
    screen = output.console(no_color)
    screen.print(grid)
    screen.print(f"code hash {state.code_hash}", soft_wrap=True)


def refuse_differences(state: ContractState, found: Sequence[Finding]) -> None:
    """Raise ContractMismatch when something is not as it should be."""
    wrong = [one.what for one in found if not one.is_ok]
    if wrong:
        raise ContractMismatch(
            f"{shown_address(state.address)} is not as it should be: {', '.join(wrong)}.",
            hint="bethna contract status",
        )


def _print_pairs(document: Mapping[str, object], no_color: bool) -> None:
    from bethna_cli.cli.tables import pairs, words

    grid = pairs()
    for name, value in document.items():
        if value is not None:
            grid.add_row(name.replace("_", " "), words(_said(value)))
    output.console(no_color).print(grid)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(", ".join(_member(name, part) for name, part in one.items() if part) for one in value)
    return str(value)


def _member(name: str, value: object) -> str:
    return name.replace("_", " ") if value is True else str(value)
