"""The pack model's answer as the plan's tables."""

import numpy as np
import pandas as pd

from planner.instance import Instance
from planner.models.packs.problem import PackAssignment, PackAssignmentProblem
from planner.planning.packs import PackLabels


def label_packs(
    instance: Instance,
    problem: PackAssignmentProblem,
    labels: PackLabels,
    solution: PackAssignment,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The plan's tables of packs in use and of packs that stand, come and go.

    Returns
    -------
    packs, pack_flows : DataFrame
        As in `planner.plans.Plan`; rows of zeros are left out.
    """
    quarters = np.array(instance.scenario.quarters)
    city_ids = instance.cities["city_id"].to_numpy()
    pack_ids = instance.packs["pack_id"].to_numpy()
    quarter_idx, option_idx = np.nonzero(solution.option_vehicles > 0)
    group_idx = problem.option_group_idx[option_idx]
    packs = pd.DataFrame(
        {
            "quarter": quarters[quarter_idx],
            "city_id": city_ids[labels.group_city_idx[group_idx]],
            "vehicle_id": instance.vehicles["vehicle_id"].to_numpy()[
                labels.group_vehicle_idx[group_idx]
            ],
            "pack_id": pack_ids[problem.option_pack_idx[option_idx]],
            "vehicles": solution.option_vehicles[quarter_idx, option_idx],
        }
    )
    flows = {
        name: getattr(solution, name)
        for name in ("stock", "delivered", "retired", "moved_in", "moved_out")
    }
    where = np.nonzero(np.any([values > 0 for values in flows.values()], axis=0))
    pack_flows = pd.DataFrame(
        {
            "quarter": quarters[where[0]],
            "city_id": city_ids[where[1]],
            "pack_id": pack_ids[where[2]],
            **{name: values[where] for name, values in flows.items()},
        }
    )
    return packs, pack_flows
