"""A purchase and a sale through one's own contract and its router where the chain is Base: the way real money goes."""

import json
from pathlib import Path
from typing import Any

import pexpect
import pytest
from base_chain import USDC, served_as_base
from cli_process import run_here
from own_wallet import OWN, PASSWORD, at_terminal, bring_in

from bethna_cli.domain.chain import Address

ON_BASE = ("--network", "base")
MINED_OR_LATER = {"MINED", "SAFE", "FINAL"}


@pytest.mark.timeout(600)
def test_a_person_buys_and_sells_on_what_answers_as_base_and_it_becomes_final(
    environment: dict[str, str], home: Path, monkeypatch: pytest.MonkeyPatch
):
    with served_as_base(monkeypatch, Address(OWN)) as base:
        keep(home / "config.toml", f'trader_base = "{base.trader}"\nrouter_base = "{base.router}"\n')
        places = {"BETHNA_RPC_URL": base.rpc_url, "BETHNA_MARKET_URL": base.market_url}
        env = {**environment, **places, "BETHNA_SOURCE_TIMEOUT_S": "30"}

        def answer(*words: str) -> Any:
            done = run_here(env, *words, "--json")
            assert done.returncode == 0, done.stdout + done.stderr
            return json.loads(done.stdout)

        def typed(*words: str) -> str:
            screen = at_terminal(env, *words, *ON_BASE)
            screen.expect("To (?:buy|sell), type ([0-9a-f]{4});")
            card, code = str(screen.before), str(screen.match[1])
            screen.sendline(code)
            screen.expect(f"Password of mine .* plan {code} on chain 8453: ")
            screen.sendline(PASSWORD)
            screen.expect("Next: bethna")
            screen.expect(pexpect.EOF)
            return card

        bring_in(home)
        answer("wallet", "use", "mine", *ON_BASE)
        offers = answer("strategies", "eth-call", *ON_BASE)
        offer = min(offers, key=lambda one: (abs(abs(one["delta"]) - 0.5), one["expiry"]))
        terms = ("--strike", f"{offer['strike']:g}", "--expiry", offer["expiry"], "--amount", "50")
        name = answer("buy", "eth-call", *terms, *ON_BASE)["id"]
        before = base.read(USDC, "balanceOf", OWN)

        card = typed("approve", name, "--no-exits")
        (bought,) = answer("trades", *ON_BASE)
        answer("recover", *ON_BASE)
        final = answer("trades", bought["id"], *ON_BASE)
        (position,) = answer("positions", *ON_BASE)

        token, paid = bought["option_token"], before - base.read(USDC, "balanceOf", OWN)
        assert [words in card for words in ("chain 8453", bought["id"], base.trader.split("@")[0])] == [True] * 3
        assert (bought["chain_id"], bought["user"], bought["state"] in MINED_OR_LATER) == (8453, OWN, True)
        assert round(bought["amount_in"] * 10**6) == paid == round(position["cost_usdc"] * 10**6)
        assert round(bought["amount_out"] * 10**6) == base.read(token, "balanceOf", OWN)
        assert final["state"] == "FINAL"

        typed("close", position["id"])
        sold = next(one for one in answer("trades", *ON_BASE) if one["side"] == "SELL")
        contract = base.trader.split("@")[0]
        assert base.read(USDC, "balanceOf", OWN) == before - paid + round(sold["amount_out"] * 10**6)
        assert [base.read(one, "balanceOf", OWN if one == token else contract) for one in (token, USDC)] == [0, 0]
        assert base.read(USDC, "allowance", OWN, contract) == base.read(token, "allowance", OWN, contract) == 0


def keep(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
