"""The model that ships: a file of flat arrays and its card, pinned by checksum. Reads nothing else, trains nothing."""

from pathlib import Path

SHIPPED = "alpha-1.bin"


def shipped() -> bytes:
    """Return the shipped model's file, as written by `bethna train`; `analysis.model.parse` checks it."""
    return Path(__file__).with_name(SHIPPED).read_bytes()


def pinned_sha256() -> str:
    """Return the sha256 that the shipped file must have, as recorded when it was trained."""
    return Path(__file__).with_name(f"{SHIPPED}.sha256").read_text().split()[0]
