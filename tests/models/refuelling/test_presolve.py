import itertools

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.models.refuelling.presolve import ReducedFlows, restrict_sites
from planner.models.refuelling.search import plan_value


@st.composite
def small_rows(draw: st.DrawFn) -> ReducedFlows:
    num_sites, num_sets = draw(st.integers(2, 5)), draw(st.integers(1, 4))
    flows = sorted(draw(st.lists(st.integers(0, 3), min_size=1, max_size=5)))
    needs = draw(st.lists(st.lists(st.booleans(), min_size=num_sets, max_size=num_sets),
                          min_size=len(flows), max_size=len(flows)))  # fmt: skip
    members = draw(st.lists(st.lists(st.booleans(), min_size=num_sites, max_size=num_sites),
                            min_size=num_sets, max_size=num_sets))  # fmt: skip
    values = draw(st.lists(st.integers(1, 9), min_size=len(flows), max_size=len(flows)))
    return ReducedFlows(
        value=np.array(values, dtype=np.float64),
        flow_idx=np.unique(flows, return_inverse=True)[1].astype(np.int64),
        needs=scipy.sparse.csr_matrix(np.array(needs, dtype=np.float64)),
        members=scipy.sparse.csr_matrix(np.array(members, dtype=np.float64)),
        site_idx=np.arange(num_sites),
        cost=np.arange(1.0, num_sites + 1.0),
        num_stations=num_sites,
        budget=100.0,
        base_value=0.25,
    )


@given(small_rows())
@settings(max_examples=60, deadline=None)
def test_plans_among_some_sites_keep_their_value(rows: ReducedFlows):
    forced = np.arange(rows.num_sites) == 0
    free = np.arange(rows.num_sites) % 2 == 1
    part = restrict_sites(rows, forced, free)
    assert part.num_stations == rows.num_stations - 1
    assert part.budget == rows.budget - 1.0
    assert set(part.site_idx.tolist()) <= set(np.flatnonzero(free).tolist())
    for choice in itertools.product([False, True], repeat=part.num_sites):
        plan = forced.copy()
        plan[part.site_idx[list(choice)]] = True
        assert plan_value(part, np.array(choice)) == pytest.approx(plan_value(rows, plan))
