"""A real terminal for `bethna`: a pseudo-terminal to type into, and the screen as a person would see it."""

import re
import time
from collections.abc import Callable

import pexpect
import pyte
from cli_process import START

LONGEST_WAIT_S = 60.0


class Terminal:
    """`bethna WORDS…` at a terminal of so many columns and rows, and its screen."""

    def __init__(
        self, words: list[str], env: dict[str, str], columns: int = 80, rows: int = 40, kind: str = "xterm-256color"
    ) -> None:
        env = {**env, "TERM": kind, "COLUMNS": str(columns), "LINES": str(rows)}
        self.child = pexpect.spawn(
            START[0],
            [*START[1:], *words],
            env=env,
            encoding="utf-8",
            dimensions=(rows, columns),
            codec_errors="replace",
        )
        self.screen = pyte.HistoryScreen(columns, rows, history=5_000)
        self.screen.write_process_input = self.child.send  # answers where the cursor is, which the prompt asks for
        self._stream = pyte.Stream(self.screen)
        self.raw = ""
        self._entered = ""

    @property
    def text(self) -> str:
        """What is on the screen now."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    @property
    def everything(self) -> str:
        """What was on the screen since the beginning, scrolled away or not."""
        gone = ("".join(line[column].data for column in range(self.screen.columns)) for line in self.screen.history.top)
        return "\n".join([*(line.rstrip() for line in gone), self.text])

    def type(self, text: str) -> None:
        self.child.send(text)

    def enter(self, line: str) -> None:
        """Type a line and press Enter."""
        self._entered = f"bethna> {line}"
        self.child.send(line + "\r")

    def until(self, is_so: Callable[[str], bool] | str) -> str:
        """Read what is printed until the screen shows it. Raises AssertionError with the screen when it never does."""
        wanted = is_so if callable(is_so) else (lambda text: is_so in text)
        end = time.monotonic() + LONGEST_WAIT_S
        while not wanted(self.text):
            try:
                piece = self.child.read_nonblocking(65_536, 0.1)
            except pexpect.TIMEOUT:
                piece = ""
            except pexpect.EOF:
                if wanted(self.text):
                    break
                raise AssertionError(f"it ended with this on the screen:\n{self.text}") from None
            self.raw += piece
            self._stream.feed(piece)
            if time.monotonic() > end:
                raise AssertionError(f"it never came; this is on the screen:\n{self.text}")
        return self.text

    def say_yes(self) -> None:
        """Type the code that the card on the screen asks for."""
        found = self.until(lambda text: "anything else is a no" in text)
        self.type(re.findall(r"type ([0-9a-f]{4});", found)[-1] + "\r")

    def clear(self) -> None:
        """Clear the screen and what has scrolled away, at an empty prompt."""
        self._entered = ""
        self.type("\x0c")
        self.until(lambda text: text.startswith("bethna>"))
        self.screen.history.top.clear()

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the window, as a person does with the mouse."""
        self.child.setwinsize(rows, columns)
        self.screen.resize(rows, columns)

    def prompt(self, after: str = "") -> str:
        """Wait until `after` was printed since the last line was entered, and the prompt stands below it, empty."""
        return self.until(
            lambda text: self._entered in self.everything and after in self.answer and _last_line(text) == "bethna>"
        )

    @property
    def answer(self) -> str:
        """What was printed since the last line was entered, without the prompt that waits below it."""
        since = self.everything.rpartition(self._entered)[2] if self._entered else self.everything
        return since.rpartition("bethna>")[0]

    def closes(self) -> int:
        """Wait for the end and return the exit code."""
        self.until(lambda _: not self.child.isalive() and self._drained())
        self.child.close()
        return int(self.child.exitstatus)

    def _drained(self) -> bool:
        try:
            piece = self.child.read_nonblocking(65_536, 0)
        except (pexpect.EOF, pexpect.TIMEOUT):
            return True
        self._stream.feed(piece)
        return False


def _last_line(text: str) -> str:
    """Return the last line that is not the toolbar."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(" sim")]
    return lines[-1].strip() if lines else ""
