"""Who may import whom: the rooms hold, and the check that says so notices a planted violation."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "bethna_cli"


def imported_packages(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).split(".")[0])
    return found


@pytest.mark.parametrize("room", ["domain"])
def test_a_room_of_nouns_imports_nothing_but_the_standard_library(room: str) -> None:
    allowed = set(sys.stdlib_module_names) | {"bethna_cli"}

    assert {file.name: imported_packages(file) - allowed for file in SOURCE.joinpath(room).glob("*.py")} == {
        file.name: set() for file in SOURCE.joinpath(room).glob("*.py")
    }


def test_every_arrow_of_the_journey_has_a_file() -> None:
    chart = str(ast.get_docstring(ast.parse((SOURCE / "flow" / "__init__.py").read_text()))).splitlines()
    arrows = next(line for line in chart if "->" in line).split(" -> ")

    assert arrows[0] == "ask"
    assert [name for name in arrows if not (SOURCE / "flow" / f"{name}.py").is_file()] == []


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(folder / "src")})


@pytest.fixture
def copy_of_the_project(tmp_path: Path) -> Path:
    shutil.copytree(SOURCE, tmp_path / "src" / "bethna_cli", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_rooms_hold(copy_of_the_project: Path) -> None:
    result = lint(copy_of_the_project)

    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "violation"),
    [
        ("domain/units.py", "from bethna_cli.options import black"),
        ("analysis/advice.py", "import httpx"),
        ("analysis/advice.py", "from bethna_cli import ports"),
        ("flow/observe.py", "from bethna_cli.adapters import pyth"),
        ("adapters/pyth.py", "from bethna_cli.analysis import advice"),
        ("cli/output.py", "from bethna_cli.adapters import sql"),
    ],
)
def test_a_planted_violation_is_noticed(copy_of_the_project: Path, file: str, violation: str) -> None:
    target = copy_of_the_project / "src" / "bethna_cli" / file
    target.write_text(f"{target.read_text()}\n{violation}\n")

    assert lint(copy_of_the_project).returncode != 0
