"""Who makes the energy of packs, of what, and who else asks for it.

Takes arrays; leaves out the algebra (`planner.models.packs.lp`) and tables.
"""

from dataclasses import dataclass

import numpy as np

from planner.arrays import BoolArray, FloatArray, IndexArray, freeze


@dataclass(frozen=True)
class PackSupply:
    """Sources of cells, materials that they need, and buyers beside the problem's vehicles.

    Sets: quarters q in order, chemistries h, sources s (a plant's cells of one chemistry, for one
    use or for any), applications a, of which 0 is the vehicles of the problem, materials m,
    buyers B. A chemistry without any source is not limited.

    Attributes
    ----------
    produced_kwh : float array, shape (num_quarters, num_sources)
        Most that a source can make in a quarter, >= 0. What it does not make then is lost; what it
        makes may be kept [kWh].
    source_chemistry_idx : int array, shape (num_sources,)
    source_serves : bool array, shape (num_sources, num_applications)
        Which applications may have the source's cells; at least one application.
    material_kg : float array, shape (num_quarters, num_materials)
        Material available up to and with each quarter, >= 0, never falling; inf where not limited
        [kg].
    material_kg_per_kwh : float array, shape (num_materials, num_chemistries)
        Used for each kWh made, >= 0; 0 where a chemistry needs none [kg/kWh].
    buyer_chemistry_idx, buyer_application_idx : int arrays, shape (num_buyers,)
    buyer_kwh : float array, shape (num_quarters, num_buyers)
        Asked for in the quarter, >= 0, lost if not served then; 0 where a gate is closed [kWh].
    buyer_worth : float array, shape (num_quarters, num_buyers)
        What a kWh that is not served costs, >= 0; beyond some 1e5 it is too far from the other
        costs for double precision, and the solver may fail [CNY/kWh].
    """

    produced_kwh: FloatArray
    source_chemistry_idx: IndexArray
    source_serves: BoolArray
    material_kg: FloatArray
    material_kg_per_kwh: FloatArray
    buyer_chemistry_idx: IndexArray
    buyer_application_idx: IndexArray
    buyer_kwh: FloatArray
    buyer_worth: FloatArray

    def __post_init__(self) -> None:
        num_quarters, num_sources = self.produced_kwh.shape
        num_materials, num_buyers = len(self.material_kg_per_kwh), len(self.buyer_chemistry_idx)
        shapes = {
            "source_chemistry_idx": (num_sources,),
            "source_serves": (num_sources, self.num_applications),
            "material_kg": (num_quarters, num_materials),
            "material_kg_per_kwh": (num_materials, self.num_chemistries),
            "buyer_application_idx": (num_buyers,),
            "buyer_kwh": (num_quarters, num_buyers),
            "buyer_worth": (num_quarters, num_buyers),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, not {shape}")
        if self.num_applications == 0:
            raise ValueError("source_serves must have application 0, the problem's vehicles")
        ends = {
            "source_chemistry_idx": self.num_chemistries,
            "buyer_chemistry_idx": self.num_chemistries,
            "buyer_application_idx": self.num_applications,
        }
        for name, end in ends.items():
            index = getattr(self, name)
            if index.size and not (index.min() >= 0 and index.max() < end):
                raise ValueError(f"{name} must lie in [0, {end})")
        for name in ("produced_kwh", "material_kg_per_kwh", "buyer_kwh", "buyer_worth"):
            values = getattr(self, name)
            if not (np.isfinite(values).all() and (values >= 0).all()):
                raise ValueError(f"{name} must be finite and >= 0")
        falls = self.material_kg[1:] < self.material_kg[:-1]
        if falls.any() or not (self.material_kg >= 0).all():
            raise ValueError("material_kg must be >= 0 and never fall from quarter to quarter")
        freeze(self)

    @classmethod
    def unlimited(cls, num_quarters: int, num_chemistries: int) -> "PackSupply":
        """No source, no material, no other buyer: as many packs of each chemistry as are asked."""
        return cls(
            produced_kwh=np.zeros((num_quarters, 0)),
            source_chemistry_idx=np.zeros(0, dtype=np.int32),
            source_serves=np.ones((0, 1), dtype=bool),
            material_kg=np.zeros((num_quarters, 0)),
            material_kg_per_kwh=np.zeros((0, num_chemistries)),
            buyer_chemistry_idx=np.zeros(0, dtype=np.int32),
            buyer_application_idx=np.zeros(0, dtype=np.int32),
            buyer_kwh=np.zeros((num_quarters, 0)),
            buyer_worth=np.zeros((num_quarters, 0)),
        )

    @classmethod
    def cumulative(cls, supply_kwh: FloatArray) -> "PackSupply":
        """One source per limited chemistry, for the problem's vehicles alone.

        Parameters
        ----------
        supply_kwh : float array, shape (num_quarters, num_chemistries)
            Energy available up to and with each quarter, >= 0, never falling; inf in all quarters
            where a chemistry is not limited [kWh].

        Raises
        ------
        ValueError
            If supply falls, is negative, or infinite in some quarters alone.
        """
        if (supply_kwh[1:] < supply_kwh[:-1]).any() or not (supply_kwh >= 0).all():
            raise ValueError("supply_kwh must be >= 0 and never fall from quarter to quarter")
        is_limited = np.isfinite(supply_kwh).all(axis=0)
        if np.isfinite(supply_kwh[:, ~is_limited]).any():
            raise ValueError("supply_kwh of a chemistry must be finite in all quarters or in none")
        of_source = np.flatnonzero(is_limited)
        free = cls.unlimited(*supply_kwh.shape)
        return cls(
            **{
                **vars(free),
                "produced_kwh": np.diff(supply_kwh[:, of_source], axis=0, prepend=0.0),
                "source_chemistry_idx": of_source.astype(np.int32),
                "source_serves": np.ones((len(of_source), 1), dtype=bool),
            }
        )

    @property
    def num_sources(self) -> int:
        """Number of sources."""
        return len(self.source_chemistry_idx)

    @property
    def num_applications(self) -> int:
        """Number of applications, the problem's vehicles included."""
        return int(self.source_serves.shape[1])

    @property
    def num_chemistries(self) -> int:
        """Number of chemistries."""
        return int(self.material_kg_per_kwh.shape[1])

    @property
    def num_materials(self) -> int:
        """Number of materials."""
        return len(self.material_kg_per_kwh)

    @property
    def num_buyers(self) -> int:
        """Number of buyers beside the problem's vehicles."""
        return len(self.buyer_chemistry_idx)

    @property
    def is_limited(self) -> BoolArray:
        """Whether a chemistry comes from sources, shape (num_chemistries,)."""
        limited = np.zeros(self.num_chemistries, dtype=bool)
        limited[self.source_chemistry_idx] = True
        return limited

    @property
    def source_kg_per_kwh(self) -> FloatArray:
        """Material that each source needs, shape (num_materials, num_sources) [kg/kWh]."""
        return self.material_kg_per_kwh[:, self.source_chemistry_idx]

    @property
    def worth_unmet(self) -> float:
        """Cost of serving no buyer at all [CNY]."""
        return float((self.buyer_kwh * self.buyer_worth).sum())
