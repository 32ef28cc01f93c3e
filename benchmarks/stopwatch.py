"""What the option benchmarks share: peers that must be installed, and calls timed in turn."""

import importlib
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from types import ModuleType

PEERS = "fast-vollib==0.2.4 pyvolr==0.1.7 iv-engine==0.1.1 py-vollib-vectorized==0.1.1 py-lets-be-rational==1.0.1"


def peer(module: str) -> ModuleType:
    """Import a peer, or say how to install all of them and exit 2."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        print(f"A peer is missing ({error}). In an environment of its own: pip install -e . {PEERS}", file=sys.stderr)
        sys.exit(2)


def medians_ms(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return each call's median time in milliseconds; the calls take turns, so that a busy moment hits them all."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()  # compile, import and warm up
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - start) * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def report(title: str, times_ms: Mapping[str, float], goal_ms: float | None = None) -> None:
    """Print the times, and each peer's as a multiple of ours, which is the first."""
    ours, *_ = times_ms.values()
    print(title if goal_ms is None else f"{title} (goal: {goal_ms:g} ms or less)")
    for name, elapsed in times_ms.items():
        print(f"  {name:<28} {elapsed:9.2f} ms   {elapsed / ours:6.2f} x")
