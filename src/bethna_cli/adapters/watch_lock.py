"""One watcher per network and wallet: a file whose lock the kernel gives to one process, and takes back at its death.

The file's content, the process id, is for people; the lock is what counts, so a file that a crash has left is harmless.
A file system on which locks do not work is refused.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bethna_cli.domain.errors import ConfigurationError, TradeRefused

PATIENCE_S = 1.0
_LOOK_EVERY_S = 0.02
_ACCOUNT = re.compile(r"0x[0-9a-f]{40}", re.ASCII)
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class WatchLock:
    """The lock of one network's watcher for one account, in the folder of the stores."""

    def __init__(self, folder: Path, network: str, account: str) -> None:
        if not _ACCOUNT.fullmatch(account):  # it becomes part of a file's name
            raise ValueError(f"not an address in lower case: {account!r}")
        self.path = folder / f"watch-{network}-{account}.lock"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the watcher while the body runs. Raises TradeRefused, naming the process, while there is another."""
        handle = self._opened()
        try:
            give_up_at = time.monotonic() + PATIENCE_S
            while not _locked(handle):
                # Whoever just asks whether there is a watcher holds the lock for an instant.
                if time.monotonic() > give_up_at:
                    raise TradeRefused(
                        f"Process {self.holder() or '?'} watches these positions already.", hint="bethna watch status"
                    )
                time.sleep(_LOOK_EVERY_S)
            self._require_working_locks()
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
            yield
            os.ftruncate(handle, 0)
        finally:
            os.close(handle)

    def holder(self) -> int | None:
        """Return the process that watches, None when none does."""
        try:
            handle = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(self.path, error) from error
        try:
            if _locked(handle):
                return None
            text = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
            return int(text) if text.isdigit() else 0
        finally:
            os.close(handle)

    def _opened(self) -> int:
        try:
            return os.open(self.path, _FLAGS, 0o600)
        except OSError as error:
            raise _unusable(self.path, error) from error

    def _require_working_locks(self) -> None:
        """Try to take the lock that is held: where that succeeds, locks mean nothing."""
        second = self._opened()
        try:
            if _locked(second):
                raise ConfigurationError(
                    f"File locks do not work in {self.path.parent}, so two watchers could run at once.",
                    hint="BETHNA_HOME=/a/local/folder bethna watch",
                )
        finally:
            os.close(second)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise ConfigurationError(f"File locks do not work here: {error.strerror}.", hint="bethna doctor") from error
    return True


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be opened: {error.strerror}.", hint=f"ls -ld {path.parent}")
