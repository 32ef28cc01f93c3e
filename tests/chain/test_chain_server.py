"""The embedded chain on its port: what a hostile or clumsy caller gets."""

import json

import httpx
import pytest
from served_chains import EmbeddedTestChain, Listener, RpcFailure, UvicornThread, open_chain
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from bethna_cli.adapters.sim import rpc_server
from bethna_cli.adapters.sim.node import Node
from bethna_cli.adapters.sim.rpc_server import rpc_app

CHAIN_ID = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"nonsense", b"[" * 100_000])
def test_what_is_no_json_has_its_code(embedded: EmbeddedTestChain, body: bytes):
    answer = httpx.post(embedded.rpc_url, content=body).json()

    assert (answer["error"]["code"], answer["id"]) == (-32700, None)


def test_a_body_has_a_limit(embedded: EmbeddedTestChain):
    fits = httpx.post(embedded.rpc_url, content=json.dumps(CHAIN_ID).encode().ljust(5_000_000))
    too_large = httpx.post(embedded.rpc_url, content=json.dumps(CHAIN_ID).encode().ljust(5_000_001))

    assert fits.json()["result"] == "0xbe6c9"
    assert too_large.status_code == 413
    assert too_large.json()["error"]["code"] == -32600


def test_a_web_page_cannot_reach_the_node_through_its_visitor(embedded: EmbeddedTestChain):
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        assert httpx.post(embedded.rpc_url, json=CHAIN_ID, headers=headers).status_code == 403
    with pytest.raises(InvalidStatus):
        connect(embedded.ws_url, origin="https://evil.example", proxy=None)  # type: ignore[arg-type]


def test_only_post_is_answered_and_a_notification_has_no_body(embedded: EmbeddedTestChain):
    assert httpx.get(embedded.rpc_url).status_code == 405
    silent = httpx.post(embedded.rpc_url, json={"jsonrpc": "2.0", "method": "eth_chainId"})
    assert (silent.status_code, silent.content) == (204, b"")


def test_numbers_that_json_does_not_have_are_refused(embedded: EmbeddedTestChain):
    body = b'{"jsonrpc":"2.0","id":NaN,"method":"eth_feeHistory","params":["0x1","latest",[1e400]]}'

    answer = httpx.post(embedded.rpc_url, content=body).json()

    assert answer["error"]["code"] == -32700


def test_a_socket_answers_subscribes_and_survives_nonsense(embedded: EmbeddedTestChain):
    with Listener(embedded.ws_url) as listener:
        listener._socket.send("nonsense")
        assert json.loads(listener._socket.recv(timeout=5))["error"]["code"] == -32700
        with pytest.raises(RpcFailure, match="no 'weather' subscription"):
            listener.ask("eth_subscribe", "weather")
        with pytest.raises(RpcFailure, match="subscription not found"):
            listener.ask("eth_unsubscribe", "0x99")
        assert listener.ask("eth_chainId") == "0xbe6c9"


def test_a_subscriber_hears_the_blocks_of_the_clock_without_asking(embedded: EmbeddedTestChain):
    with Listener(embedded.ws_url) as listener:
        heads = listener.subscribe("newHeads")
        embedded.clock.advance(6)

        assert [int(head["number"], 16) for head in listener.wait_for(heads, 3)] == [1, 2, 3]


def test_two_listeners_hear_the_same_and_one_that_left_disturbs_nobody(embedded: EmbeddedTestChain):
    with Listener(embedded.ws_url) as first:
        with Listener(embedded.ws_url) as second:
            names = first.subscribe("newHeads"), second.subscribe("newHeads")
            embedded.ask("evm_mine")
            assert first.wait_for(names[0], 1) == second.wait_for(names[1], 1)
        embedded.ask("evm_mine")
        assert len(first.wait_for(names[0], 2)) == 2


def test_the_node_can_live_at_a_path_of_a_larger_server():
    node = Node(open_chain())
    server = UvicornThread(Starlette(routes=[Mount("/rpc", app=rpc_app(node))]))
    url = f"127.0.0.1:{server.port}/rpc"

    assert httpx.post(f"http://{url}/", json=CHAIN_ID).json()["result"] == "0xbe6c9"
    with Listener(f"ws://{url}/") as listener:
        assert listener.ask("eth_chainId") == "0xbe6c9"
    server.stop()


def test_a_listener_that_falls_behind_is_cut_off(embedded: EmbeddedTestChain, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rpc_server, "MAX_UNSENT", 10)
    with Listener(embedded.ws_url) as listener:
        heads = listener.subscribe("newHeads")
        embedded.clock.advance(60)  # 30 heads at once

        with pytest.raises(ConnectionClosed) as closed:
            listener.wait_for(heads, 30)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert embedded.number() == 30
