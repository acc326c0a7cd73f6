"""Bounds that improve while plans are looked for, on a thread of their own.

The loops of the primal-dual method and of the capacitated bound release the interpreter lock.
Without a second thread the caller takes what they yield in turn.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Background(Generic[Found]):
    """Takes what an iterator yields until it is good enough or nobody needs it any more.

    Parameters
    ----------
    found : iterator
        Each better than the last.
    is_enough : callable, optional
        Whether no better one is needed.
    """

    def __init__(
        self,
        found: Iterator[Found],
        is_enough: Callable[[Found], bool] = lambda _: False,
    ) -> None:
        self.latest: Found | None = None
        self._found = found
        self._is_enough = is_enough
        self._ended = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="bounds")
        self._thread.start()

    def _work(self) -> None:
        try:
            for each in self._found:
                self.latest = each
                if self._ended.is_set() or self._is_enough(each):
                    return
        except Exception as failure:  # of any kind: told to the caller when it looks
            self._failure = failure

    def look(self) -> Found | None:
        """The best so far, if there is one; raises what the thread died of."""
        if self._failure is not None:
            raise self._failure
        return self.latest

    @property
    def is_done(self) -> bool:
        """Whether there will be no better one."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait for the thread to be done; whether it is."""
        self._thread.join(seconds)
        return self.is_done

    def end(self) -> None:
        """Let the thread end after what it is at."""
        self._ended.set()
