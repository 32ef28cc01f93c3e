"""One folder of files for their owner's eyes only: mode 0700 and 0600 from the first byte, never through a symlink.

A folder or a file that others can reach is refused, not repaired: what stood open may have been read or changed.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bethna_cli.domain.errors import KeystoreRefused

FOLDER_MODE = 0o700
FILE_MODE = 0o600
LOCK_FILE = ".lock"


class PrivateFolder:
    """Files by name in one private folder. Every method raises KeystoreRefused where the folder is not private."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str, longest: int) -> bytes | None:
        """Return a file's content, None when there is no such file or no folder. Refuses more than `longest` bytes."""
        if not self.path.is_symlink() and not self.path.exists():
            return None
        with self._folder() as folder:
            try:
                handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise _refused(self.path / name, "cannot be opened, or is a link") from error
            with os.fdopen(handle, "rb") as file:
                self._require_private(handle, self.path / name, FILE_MODE, stat.S_ISREG)
                content = file.read(longest + 1)
        if len(content) > longest:
            raise _refused(self.path / name, f"has more than {longest} bytes")
        return content

    def replace(self, name: str, content: bytes) -> None:
        """Write a file whole or not at all; it is on the disk before this returns."""
        with self._folder() as folder:
            temporary = f".{name}.{secrets.token_hex(8)}"
            try:
                write_new(temporary, content, dir_fd=folder)
                os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
                os.fsync(folder)
            except OSError as error:
                raise _refused(self.path / name, f"cannot be written ({type(error).__name__})") from error
            finally:
                _forget(temporary, folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out of the folder while the body runs; makes the folder where there is none."""
        try:
            self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as error:
            raise _refused(self.path, f"cannot be made ({type(error).__name__})") from error
        with self._folder() as folder:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            try:
                handle = os.open(LOCK_FILE, flags, FILE_MODE, dir_fd=folder)
            except OSError as error:
                raise _refused(self.path / LOCK_FILE, "cannot be opened, or is a link") from error
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                os.close(handle)

    @contextmanager
    def _folder(self) -> Iterator[int]:
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise _refused(self.path, "is no folder of its own, or a link") from error
        try:
            self._require_private(handle, self.path, FOLDER_MODE, stat.S_ISDIR)
            yield handle
        finally:
            os.close(handle)

    @staticmethod
    def _require_private(handle: int, path: Path, mode: int, is_kind: Callable[[int], bool]) -> None:
        found = os.fstat(handle)
        if not is_kind(found.st_mode):
            raise _refused(path, "is not what it should be")
        if found.st_uid != os.geteuid():
            raise _refused(path, "belongs to somebody else")
        if stat.S_IMODE(found.st_mode) & ~mode:
            raise KeystoreRefused(
                f"{path} has mode {stat.S_IMODE(found.st_mode):04o}; more than {mode:04o} is not safe for a key.",
                hint=f"chmod {mode:o} {path}",
            )


def write_new(name: str | Path, content: bytes, dir_fd: int | None = None) -> None:
    """Create a file with mode 0600, write it and bring it to the disk. Raises OSError, also where there is one."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(name, flags, FILE_MODE, dir_fd=dir_fd)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _forget(name: str, folder: int) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return


def _refused(path: Path, reason: str) -> KeystoreRefused:
    return KeystoreRefused(f"{path} {reason}.", hint=f"ls -ld {path}")
