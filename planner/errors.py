"""Errors that reach a user, each with the exit code the command line answers with."""

from collections.abc import Sequence
from dataclasses import dataclass


class PlannerError(Exception):
    """A failure whose message is written for the user; shown without a traceback."""

    exit_code = 70


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with an input: where it is, what stands there, what to do.

    ``row`` is the line of a CSV file (the header is line 1), or the record number from 1
    in a binary table; ``None`` when the fault concerns a whole file or column. ``id`` is the
    row's key, parts after a slash. Characters that cannot be seen are escaped, long texts cut.
    """

    file: str
    row: int | None
    column: str
    value: str
    remedy: str
    id: str = ""

    def __post_init__(self) -> None:
        for name in ("file", "column", "value", "remedy", "id"):
            object.__setattr__(self, name, _printable(getattr(self, name), name != "remedy"))

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}, row {self.row}"
        place += f" ({self.id})" if self.id else ""
        column = f", {self.column}" if self.column else ""
        value = f": {self.value}" if self.value else ""
        return f"{place}{column}{value}: {self.remedy}"


_MOST_CHARACTERS = 500


def _printable(text: str, is_cut: bool) -> str:
    cut = text[:_MOST_CHARACTERS] + "..." if is_cut and len(text) > _MOST_CHARACTERS else text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in cut
    )


class InputError(PlannerError):
    """The input cannot be used; carries every fault found, not only the first."""

    exit_code = 2

    def __init__(self, faults: Sequence[Fault], *, source: str = "") -> None:
        self.faults = tuple(faults)
        noun = "fault" if len(self.faults) == 1 else "faults"
        head = f"{len(self.faults)} {noun}" + (f" in {source}" if source else "")
        super().__init__("\n".join([head, *(f"  {fault}" for fault in self.faults)]))


class InfeasibleError(PlannerError):
    """No plan satisfies the constraints; the message names which and why.

    Attributes
    ----------
    zone_idx : tuple of int
        Positions of the zones it is about, for those who know their labels.
    conflict : tuple of str
        Limits that no plan keeps together, by name, while each one less leaves a plan; empty
        where that is not known.
    repair : tuple of str
        Changes of which each alone leaves a plan, the least first.
    further : tuple of tuples of str
        Conflicts of other limits.
    """

    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        zone_idx: Sequence[int] = (),
        conflict: Sequence[str] = (),
        repair: Sequence[str] = (),
        further: Sequence[Sequence[str]] = (),
    ) -> None:
        self.zone_idx = tuple(zone_idx)
        self.conflict = tuple(conflict)
        self.repair = tuple(repair)
        self.further = tuple(tuple(words) for words in further)
        super().__init__(message)


class NoPlanError(PlannerError):
    """A limit was reached before any plan was found."""

    exit_code = 5


class CheckError(PlannerError):
    """The independent check rejects a plan: a defect of the planner, never written out."""


class OutOfDomainError(ValueError):
    """A value lies outside the validated domain of a physical model."""
