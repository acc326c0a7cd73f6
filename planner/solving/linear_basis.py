"""Where the simplex method ended: what a linear program much like it may start from."""

from dataclasses import dataclass

from planner.solving.linear_model import LinearModel


@dataclass(frozen=True)
class LinearBasis:
    """Where the simplex method ended.

    Attributes
    ----------
    columns, rows : bytes
        MathOpt's status of each, one after the other.
    """

    columns: bytes
    rows: bytes

    def fits(self, model: LinearModel) -> bool:
        """Whether a model has as many rows and columns."""
        return model.matrix.shape == (len(self.rows), len(self.columns))
