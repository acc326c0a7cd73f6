"""Labels are found where a plain look-up finds them, whichever table is the longer one."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.plans.labels import are_known, positions_of

_LABELS = st.lists(st.sampled_from(["a", "b", "c", "馬", None]), max_size=9)


@pytest.mark.parametrize("kind", ["str", "object"])
@given(_LABELS, st.lists(st.sampled_from(["a", "b", "c", "d", "馬"]), max_size=5, unique=True))
def test_positions_are_those_of_a_plain_look_up(
    kind: str, labels: list[str | None], known: list[str]
) -> None:
    column, table = pd.Series(labels, dtype=kind), pd.Series(known, dtype=kind)
    found = positions_of(column, table)
    assert found.tolist() == [known.index(each) if each in known else -1 for each in labels]
    twice = pd.concat([table, table], ignore_index=True)
    assert are_known(column, twice).tolist() == [each in known for each in labels]
