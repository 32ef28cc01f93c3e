"""Serves a chain's file on a port until it is killed: `python serve_chain.py FILE PORT`."""

import sys

import uvicorn
from served_chains import open_chain

from bethna_cli.adapters.sim.node import Node
from bethna_cli.adapters.sim.rpc_server import rpc_app

if __name__ == "__main__":
    node = Node(open_chain(sys.argv[1]))
    uvicorn.run(rpc_app(node), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", lifespan="off")
