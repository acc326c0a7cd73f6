"""Multipliers that improve while plans are looked for: the primal-dual method on its own thread.

Its loops release the interpreter lock. Without a second thread the caller takes points in turn.
"""

import threading
from collections.abc import Iterator

from planner.models.phasing.dual import PhasedDualPoint


class BackgroundPoints:
    """Takes points on a thread until they are good enough or nobody needs them any more.

    Parameters
    ----------
    points : iterator of PhasedDualPoint
    relaxation_gap : float
        Good enough when the bound is this close to the relaxation's.
    """

    def __init__(self, points: Iterator[PhasedDualPoint], relaxation_gap: float) -> None:
        self.latest: PhasedDualPoint | None = None
        self._points = points
        self._relaxation_gap = relaxation_gap
        self._ended = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="multipliers")
        self._thread.start()

    def _work(self) -> None:
        try:
            for point in self._points:
                self.latest = point
                if self._ended.is_set() or point.relaxation_gap_frac <= self._relaxation_gap:
                    return
        except Exception as failure:  # of any kind: told to the caller when it looks
            self._failure = failure

    def look(self) -> PhasedDualPoint | None:
        """The best point so far, if there is one; raises what the thread died of."""
        if self._failure is not None:
            raise self._failure
        return self.latest

    def wait(self, seconds: float) -> bool:
        """Wait for the thread to be done; whether it is."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def end(self) -> None:
        """Let the thread end after its next point."""
        self._ended.set()
