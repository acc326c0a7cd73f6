"""`planner markets`: from a study of markets to a joint plan, a run of each member, and a page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pandas as pd

from planner.batch.local import LocalWorkers
from planner.batch.market_runs import check_members, member_task
from planner.batch.run import run_batch
from planner.batch.show import show_batch
from planner.batch.store import Record, RunStore, State, read_json
from planner.batch.study import Limits
from planner.batch.task import RunTask
from planner.errors import Fault, InputError
from planner.files import replaced_file, write_json, write_text
from planner.outputs.chemistries import read_chemistries
from planner.outputs.layers.tables import write_table
from planner.outputs.market_study.page import PAGE_FILE, MarketsContent, render_markets
from planner.outputs.report.write import REPORT_FILE
from planner.outputs.run_folder import Outputs
from planner.planning.clock import StageClock
from planner.planning.markets.dates import draw_dates, gate_savings, spread_of_draws
from planner.planning.markets.joint import JointPlan, assemble_joint, operate_fleets, solve_joint
from planner.planning.markets.members import read_members, shared_instance
from planner.planning.markets.shares import member_supply
from planner.planning.markets.study import MarketStudy, read_market_study
from planner.planning.markets.tables import (
    buyer_rows,
    market_quarters,
    material_rows,
    supply_rows,
    who_is_first,
)
from planner.solving.options import SolveOptions
from planner.solving.progress import StopRequest

MARKETS_FILE = "markets.json"
LEAST_GATES_S = 1e-3


class MarketsCommand:
    """A study of markets, read.

    Parameters
    ----------
    file : Path
        The study.
    out : Path or None
        Folder of all results; ``outputs/NAME`` if None.
    outputs : Outputs
        How much each member's run leaves.

    Raises
    ------
    InputError
        With everything that is wrong with the study file, or the folder.
    """

    def __init__(self, file: Path, out: Path | None, outputs: Outputs) -> None:
        self.file, self.outputs = file, outputs
        self.study: MarketStudy = read_market_study(file)
        self.store = RunStore(out or Path("outputs") / self.study.name)
        _check_folder(self.store.folder)

    def plan(self, clock: StageClock) -> JointPlan:
        """Plan all members at once; write the tables, ``markets.json`` and the page.

        Raises
        ------
        InputError
            With everything that is wrong with the members.
        NoPlanError
            If the time limit comes before any joint plan.
        """
        study = self.study
        with clock.stage("read", f"reading {len(study.members)} instances"):
            members = read_members(study, self.file)
            check_members(members)
            shared = shared_instance(study, members)
        with clock.stage("fleet", "winter range and swaps in all cities"):
            fleets = operate_fleets(members)
        with clock.stage("packs", "all markets at once") as say:
            problem = assemble_joint(members, fleets, shared)
            plan = solve_joint(problem, SolveOptions(time_limit_s=study.time_limit_s))
            proof = plan.whole.proof
            say(f"{proof.status}, gap {proof.gap_frac:.1e}, {proof.wall_s:.1f} s")
        quarters = market_quarters(plan)
        self.tables: dict[str, pd.DataFrame] = {
            "market_quarter": quarters,
            "who_first": who_is_first(plan, quarters),
            "supply": supply_rows(plan),
            "buyer_quarter": buyer_rows(plan),
            "material_quarter": material_rows(plan),
        }
        if study.gates_time_s > 0:
            options = SolveOptions(time_limit_s=max(study.gates_time_s, LEAST_GATES_S))
            with clock.stage("gates", "what earlier certificates would save") as say:
                self.tables["gate_value"] = gate_savings(plan, options, say)
        if study.dates is not None:
            options = SolveOptions(time_limit_s=study.time_limit_s)
            with clock.stage("dates", f"{study.dates.num} draws of uncertain dates") as say:
                drawn = draw_dates(plan, study.dates, options, say)
            self.tables |= {
                "date_spread": spread_of_draws(drawn), "date_draw": drawn.draws,
                "date_cost": drawn.costs,
            }  # fmt: skip
        self.write(plan)
        return plan

    def run(
        self, plan: JointPlan, num_processes: int, stop: StopRequest, as_json: bool
    ) -> dict[str, Record]:
        """Plan each member within its share, unless it stands already; write all results again.

        Returns
        -------
        dict of run key to Record
            How each ended; those not started or cut off are missing.
        """
        supply = member_supply(plan, self.study.title or self.study.name)
        tasks = [
            member_task(self.study, member, supply[member.name], self.store, self.outputs)
            for member in plan.problem.members
        ]
        workers = LocalWorkers(num_processes, Limits())
        records: dict[str, Record] = {}
        try:
            with show_batch(as_json) as listen:
                records = run_batch(
                    tasks, self.store, workers, attempts=2, stop=stop, listen=listen
                )
        finally:
            workers.close()
            self.tables["run"] = _run_rows(tasks, records, supply, self.store)
            self.write(plan)
        return records

    def write(self, plan: JointPlan) -> None:
        """The tables as CSV, ``markets.json`` and the page."""
        folder = self.store.folder
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in self.tables.items():
            with replaced_file(folder / f"{name}.csv") as partial:
                write_table(partial, table)
        titles = {member.name: member.title for member in plan.problem.members}
        proof = plan.whole.proof
        told = {
            "status": str(proof.status), "objective_cny": proof.objective,
            "bound_cny": proof.bound, "gap_frac": proof.gap_frac, "seconds": proof.wall_s,
        }  # fmt: skip
        limited = tuple(
            name
            for name, is_limited in zip(
                plan.problem.chemistries, plan.problem.whole.supply.is_limited, strict=True
            )
            if is_limited
        )
        write_json(
            folder / MARKETS_FILE, _as_json(self.study, self.file, told, titles, self.tables)
        )
        content = MarketsContent(
            name=self.study.name,
            title=self.study.title,
            proof=told,
            titles=titles,
            names=read_chemistries(plan.problem.shared.chemistries),
            limited=limited,
            tables=self.tables,
            reports=self._reports(),
        )
        write_text(folder / PAGE_FILE, render_markets(content))

    def _reports(self) -> dict[str, str]:
        rows = self.tables.get("run", pd.DataFrame(columns=["member", "folder"]))
        return {
            member: f"{folder}/{REPORT_FILE}"
            for member, folder in zip(rows["member"], rows["folder"], strict=True)
            if folder and (self.store.folder / folder / REPORT_FILE).is_file()
        }


def show_joint(plan: JointPlan, tables: Mapping[str, pd.DataFrame], as_json: bool) -> None:
    """Say who is first, and with what proof."""
    if as_json:
        return
    proof = plan.whole.proof
    names = read_chemistries(plan.problem.shared.chemistries)
    click.echo(
        f"joint pack model of {len(plan.parts)} markets: {proof.status}, gap "
        f"{proof.gap_frac:.1e}, {proof.wall_s:.1f} s"
    )
    for row in tables["who_first"].to_dict("records"):
        first = row["first_delivery"] if isinstance(row["first_delivery"], str) else "never"
        click.echo(
            f"  {row['place']:>2}  {names[row['chemistry']].name:<12} {row['market']:<4} "
            f"{first:<7} {row['gwh']:>9.3f} GWh  {row['why']}"
        )


def is_complete(records: Mapping[str, Record], plan: JointPlan) -> bool:
    """Whether every member's run is done."""
    return len(records) == len(plan.parts) and all(
        record.state is State.DONE for record in records.values()
    )


def _run_rows(
    tasks: list[RunTask], records: Mapping[str, Record], supply: Mapping[str, pd.DataFrame],
    store: RunStore,
) -> pd.DataFrame:  # fmt: skip
    rows = []
    for task in tasks:
        record = records.get(task.key) or Record(task.scenario, task.key, State.WAITING, "")
        is_done = record.state is State.DONE
        folder = store.run_folder(task.key)
        run = (read_json(folder / "run.json") if is_done else None) or {}
        kpi = run.get("kpi", {})
        rows.append(
            {
                "member": task.scenario,
                "state": str(record.state),
                "status": run.get("status", record.status),
                "reason": record.reason,
                **{name: kpi.get(name, float("nan"))
                   for name in ("swaps_served_frac", "num_stations", "capex_cny")},
                "share_gwh": float(supply[task.scenario]["gwh"].sum()),
                "used_gwh": _used_gwh(folder) if is_done else float("nan"),
                "key": task.key,
                "folder": folder.relative_to(store.folder).as_posix() if is_done else "",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _used_gwh(folder: Path) -> float:
    """Energy that a run delivered of the chemistries that supply limits."""
    path = folder / "tables" / "supply_value.parquet"
    if not path.is_file():
        return float("nan")
    table = pd.read_parquet(path)
    return float(table.groupby("chemistry")["used_gwh"].max().sum())


def _as_json(
    study: MarketStudy, file: Path, proof: Mapping[str, Any], titles: Mapping[str, str],
    tables: Mapping[str, pd.DataFrame],
) -> dict[str, Any]:  # fmt: skip
    return {
        "name": study.name,
        "title": study.title,
        "file": file.name,
        "members": dict(titles),
        "proof": dict(proof),
        "tables": {
            name: [
                {key: None if value != value else value for key, value in row.items()}
                for row in table.astype(object).to_dict("records")
            ]
            for name, table in tables.items()
        },
    }


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError([Fault(str(folder), None, "--out", "", "a file stands here")])
    if list(folder.glob("[!.]*")) and not (folder / MARKETS_FILE).is_file():
        remedy = "folder holds something that is no study of markets; choose another or empty it"
        raise InputError([Fault(str(folder), None, "--out", "", remedy)])
