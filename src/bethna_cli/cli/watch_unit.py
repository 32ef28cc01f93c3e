"""What starts the watcher with the machine: a systemd user unit or a launchd property list, with this shell's settings.

Such a service sees nothing of the shell's environment. What BETHNA_ variables say here is written into it, or it would
watch another store than the person does; secrets are not, for these files are readable by all.
"""

import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from xml.sax.saxutils import escape

OWN = "BETHNA_"
FOLDER = "BETHNA_HOME"
NAMED_BY_ARGUMENT = "BETHNA_NETWORK"


def service(network: str, environment: Mapping[str, str], secrets: frozenset[str], *, launchd: bool) -> str:
    """Return the file's text. secrets: names of variables that are left out."""
    carried = {
        name: str(Path(value).absolute()) if name == FOLDER else value
        for name, value in sorted(environment.items())
        if name.startswith(OWN) and name != NAMED_BY_ARGUMENT and name not in secrets
    }
    name, quote, lines = (
        ("bethna.plist", escape, _property_list(carried)) if launchd else ("bethna.service", _quoted, _unit(carried))
    )
    text = files("bethna_cli.artifacts").joinpath(f"services/{name}").read_text("utf-8")
    text = text.replace("@PYTHON@", quote(sys.executable)).replace("@NETWORK@", network)
    return text.replace("@ENVIRONMENT@\n", lines)


def _unit(carried: Mapping[str, str]) -> str:
    return "".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in carried.items())


def _quoted(text: str) -> str:
    """Quote for systemd, to which a per cent sign begins a specifier."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{plain}"'


def _property_list(carried: Mapping[str, str]) -> str:
    if not carried:
        return ""
    pairs = "".join(
        f"    <key>{escape(name)}</key><string>{escape(value)}</string>\n" for name, value in carried.items()
    )
    return f"  <key>EnvironmentVariables</key>\n  <dict>\n{pairs}  </dict>\n"
