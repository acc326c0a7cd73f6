"""Two tiny markets with one supply: the tutorial's town, and its copy abroad behind a gate."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import tomli_w

ROOT = Path(__file__).parents[1]
TUTORIAL = ROOT / "instances" / "tutorial"
GATE = {
    "market": "XX", "chemistry": "sodium_ion", "certificate": "UN 38.3", "opens": "2027Q1",
    "opens_low": "2026Q4", "opens_high": "2027Q2", "binding": "true", "source": "test",
}  # fmt: skip


@dataclass(frozen=True)
class TwoMarkets:
    """The folder of a study, ``home`` and ``abroad`` beside its file."""

    folder: Path

    @property
    def file(self) -> Path:
        """The study."""
        return self.folder / "study.toml"

    @property
    def out(self) -> Path:
        """Where results go."""
        return self.folder / "out"

    def write(self, **content: Any) -> Path:
        """Write the study file; keys replace those of the study of both."""
        whole = {
            "schema_version": 1,
            "name": "two",
            "title": "Two markets",
            "supply_of": "home",
            "settings": {
                "horizon": {"first_quarter": "2026Q4", "last_quarter": "2027Q2"},
                "solver": {"deterministic": True},
            },
            "members": {"home": {"instance": "home"}, "abroad": {"instance": "abroad"}},
        } | content
        self.file.write_text(tomli_w.dumps(whole), encoding="utf-8")
        return self.file

    def table(self, member: str, name: str) -> pd.DataFrame:
        """A table of a member, as text."""
        return pd.read_csv(self.folder / member / f"{name}.csv", dtype=str)

    def change(self, member: str, name: str, table: pd.DataFrame) -> None:
        """Write a member's table."""
        table.to_csv(self.folder / member / f"{name}.csv", index=False)


def two_markets(folder: Path) -> TwoMarkets:
    """Make both members and the study.

    Abroad is colder by 5 degrees, in market XX, whose gate for sodium-ion opens in 2027Q1; its
    table of supply is its own and counts for nothing.
    """
    made = TwoMarkets(folder)
    for name in ("home", "abroad"):
        shutil.copytree(TUTORIAL, folder / name)
    cities = made.table("abroad", "cities").assign(market="XX", winter_design_c=-25)
    made.change("abroad", "cities", cities)
    made.change("abroad", "gates", pd.DataFrame([GATE]))
    climate = made.table("abroad", "climate")
    colder = climate["mean_c"].astype(float) - 5.0
    made.change("abroad", "climate", climate.assign(mean_c=colder))
    made.write()
    return made
