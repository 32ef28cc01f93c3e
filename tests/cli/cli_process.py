"""How the tests start bethna: the installed entry point, under this interpreter."""

import sys

START = (sys.executable, "-c", "from bethna_cli.cli.app import main; main()")
