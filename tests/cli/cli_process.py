"""How the tests start bethna: the installed entry point, under this interpreter."""

import sys

INTERPRETER = sys.executable
START = (INTERPRETER, "-c", "from bethna_cli.cli.app import main; main()")
