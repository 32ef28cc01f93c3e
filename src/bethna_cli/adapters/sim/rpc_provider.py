"""web3.py on the embedded chain without a socket. Imports web3, which is slow: import this where it is needed."""

import json
from typing import Any, cast

from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

from bethna_cli.adapters.sim.node import Node


class InProcessProvider(JSONBaseProvider):
    """A web3 provider that asks `node` directly: `Web3(InProcessProvider(node))`."""

    def __init__(self, node: Node, **options: Any) -> None:
        super().__init__(**options)
        self._node = node

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Answer one request."""
        # Encoded and back, so that what passes here is what passes over a socket.
        request = json.loads(self.encode_rpc_request(method, params))
        return cast(RPCResponse, self._node.respond(request))

    def make_batch_request(self, requests: list[tuple[RPCEndpoint, Any]]) -> list[RPCResponse] | RPCResponse:
        """Answer several requests in their order."""
        return [self.make_request(method, params) for method, params in requests]

    def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: ARG002  # web3's signature
        """A node in the same process is always there."""
        return True
