"""Secrets taken out of text before it is kept, or sent to a language model.

Recognised by shape, whoever typed them: private keys and hashes, addresses, seed phrases, tokens, URLs with what they
carry, passwords that are announced as such; and by value: the secrets of the settings. It errs on the side of taking
out too much.
"""

import re
from collections.abc import Iterable

SHORTEST_SECRET = 6
GIVEN_AWAY = ("key", "phrase", "token", "secret")
_WORD = r"[a-z]{3,8}"
_SHAPES = (
    (re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE), "[url]"),
    (re.compile(r"\b(?:0x)?[0-9a-f]{64,}\b", re.IGNORECASE), "[key]"),
    (re.compile(r"\b0x[0-9a-f]{40}\b", re.IGNORECASE), "[address]"),
    (re.compile(r"\b(?:sk|pk|rk|xox[abp]|ghp|gsk)[-_][A-Za-z0-9_-]{8,}"), "[token]"),
    (re.compile(r"\bBearer\s+\S+", re.IGNORECASE), "[token]"),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), "[token]"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*"), "[token]"),
    (re.compile(rf"\b{_WORD}(?:[\s,]+{_WORD}){{11,}}\b"), "[phrase]"),
    (re.compile(r"\b(?=[A-Za-z_-]*\d)(?=[\d_-]*[A-Za-z])[A-Za-z0-9_-]{32,}\b"), "[token]"),
)
_ANNOUNCED = re.compile(
    r"(?i)\b(pass(?:word|phrase|wd|code)|kata\s?sandi|api[ _-]?key|mnemonic|private[ _-]?key|seed[ _-]phrase)"
    r"(\s*(?:is|are|:|=|adalah)\s*)[^\n]+"
    r"|\b(token|secret|pin|seed)(\s*[:=]\s*)[^\n]+"
)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` with everything that is, or looks like, a secret or an address replaced by its kind in brackets.

    secrets: values to take out wherever they stand; shorter than six characters they are ordinary words.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "[secret]")
    text = _ANNOUNCED.sub(lambda said: f"{said[1] or said[3]}{said[2] or said[4]}[secret]", text)
    for shape, kind in _SHAPES:
        text = shape.sub(kind, text)
    return text


def holds_secret(text: str) -> bool:
    """Say whether a line should not be remembered as it was typed."""
    return redacted(text) != text


def holds_key(text: str) -> bool:
    """Say whether a line gives away a key, a phrase, a token or a password; a web or wallet address is none."""
    return any(f"[{kind}]" in redacted(text) and f"[{kind}]" not in text for kind in GIVEN_AWAY)
