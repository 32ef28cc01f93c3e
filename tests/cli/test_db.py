"""`bethna db prune`: what it would drop, what it dropped, and what doctor says of it."""

import json
import sqlite3
from pathlib import Path
from typing import Any


def test_pruning_drops_what_it_said_it_would_and_doctor_no_longer_minds(bethna_here: Any, home: Path):
    bethna_here("recommend", "ETH")
    with sqlite3.connect(home / "data" / "sim.db") as db:
        db.execute("update snapshots set taken_at = '2001-01-01T00:00:00Z'")
        db.execute("update recommendations set created_at = '2001-01-01T00:00:00Z'")
    db.close()

    before = {check["name"]: check for check in json.loads(bethna_here("doctor", "--json").stdout)["checks"]}
    planned = json.loads(bethna_here("db", "prune", "--dry-run", "--json").stdout)
    done = json.loads(bethna_here("db", "prune", "--json").stdout)
    after = {check["name"]: check for check in json.loads(bethna_here("doctor", "--json").stdout)["checks"]}

    assert (before["room"]["status"], before["room"]["hint"]) == ("warning", "bethna db prune")
    assert planned["dropped"] == done["dropped"] == {"market_data": 1, "training_data": 1, "logs": 0}
    assert planned["after_bytes"] == planned["before_bytes"]
    assert done["after_bytes"] < done["before_bytes"]
    assert after["room"]["status"] == "ok"
