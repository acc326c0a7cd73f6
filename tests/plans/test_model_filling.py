"""Packs go to models that take them: all of them where that can be, as many as can be elsewhere."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from planner.arrays import BoolArray, FloatArray
from planner.plans.model_filling import fill_models

NUMBERS = st.floats(0, 1e5).map(lambda number: round(number, 3))
SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 4))


def _takers(*rows: str) -> BoolArray:
    """A text per model, a sign per chemistry: + takes it."""
    return np.array([[sign == "+" for sign in row] for row in rows])


def _most_placed(cars: FloatArray, amounts: FloatArray, accepts: BoolArray) -> float:
    """By a maximum flow of another program."""
    graph = nx.DiGraph()
    graph.add_nodes_from(["from", "to"])
    for chemistry, amount in enumerate(amounts):
        graph.add_edge("from", ("h", chemistry), capacity=amount)
    for model, number in enumerate(cars):
        graph.add_edge(("m", model), "to", capacity=number)
    for model, chemistry in zip(*np.nonzero(accepts), strict=True):
        graph.add_edge(("h", chemistry), ("m", model))  # without capacity: unlimited
    return float(nx.maximum_flow_value(graph, "from", "to"))


def test_what_some_refuse_goes_to_the_others_in_proportion_to_their_cars() -> None:
    cars, amounts = np.array([30.0, 10.0, 60.0]), np.array([50.0, 20.0])
    placed, misplaced = fill_models(cars, amounts, _takers("++", "++", "+-"))
    assert placed[:, 1].tolist() == [15.0, 5.0, 0.0]
    # The others by what is left: 15, 5 and 60.
    assert placed[:, 0] == pytest.approx([9.375, 3.125, 37.5])
    assert not misplaced.any()


def test_a_choosy_chemistry_comes_before_one_that_everybody_takes() -> None:
    cars, amounts = np.array([10.0, 10.0]), np.array([10.0, 10.0])
    placed, misplaced = fill_models(cars, amounts, _takers("++", "+-"))
    assert placed.tolist() == [[0.0, 10.0], [10.0, 0.0]]
    assert not misplaced.any()


def test_exchanges_make_room() -> None:
    # Alone, the first would take half of both of its models, and the second could not be placed.
    cars, amounts = np.array([10.0, 10.0, 10.0]), np.array([10.0, 20.0])
    placed, misplaced = fill_models(cars, amounts, _takers("+-", "++", "-+"))
    assert placed == pytest.approx(np.array([[10.0, 0.0], [0.0, 10.0], [0.0, 10.0]]))
    assert not misplaced.any()


def test_what_nobody_takes_is_told() -> None:
    # Each of both is at most what the first model has; together they are twice that.
    cars, amounts = np.array([10.0, 30.0]), np.array([10.0, 10.0])
    placed, misplaced = fill_models(cars, amounts, _takers("++", "--"))
    assert placed.sum() == pytest.approx(10.0)
    assert misplaced.sum(axis=1) == pytest.approx([0.0, 10.0])
    assert (placed + misplaced).sum(axis=0) == pytest.approx(amounts)


def test_nothing_to_place_and_nobody_there() -> None:
    placed, misplaced = fill_models(np.zeros(2), np.zeros(1), _takers("+", "-"))
    assert not placed.any()
    assert not misplaced.any()


def _check(cars: FloatArray, amounts: FloatArray, accepts: BoolArray) -> FloatArray:
    placed, misplaced = fill_models(cars, amounts, accepts)
    slack = 1e-9 * max(1.0, cars.sum())
    assert (placed >= 0).all()
    assert (misplaced >= 0).all()
    assert not placed[~accepts].any()
    assert (placed + misplaced).sum(axis=0) == pytest.approx(amounts, abs=slack)
    assert ((placed + misplaced).sum(axis=1) <= cars + slack).all()
    assert placed.sum() == pytest.approx(_most_placed(cars, amounts, accepts), abs=slack)
    again, _ = fill_models(cars, amounts, accepts)
    assert (again == placed).all()
    return misplaced


@given(data=st.data(), shape=SHAPES)
def test_as_much_is_placed_as_can_be(data: st.DataObject, shape: tuple[int, int]) -> None:
    cars = data.draw(arrays(float, shape[0], elements=NUMBERS))
    accepts = data.draw(arrays(bool, shape))
    parts = data.draw(arrays(float, shape[1], elements=st.floats(0, 1)))
    amounts = np.floor(1e3 * cars.sum() * parts / max(1.0, parts.sum())) / 1e3
    _check(cars, amounts, accepts)


@given(data=st.data(), shape=SHAPES)
def test_all_is_placed_that_came_from_a_spread(data: st.DataObject, shape: tuple[int, int]) -> None:
    accepts = data.draw(arrays(bool, shape))
    spread = data.draw(arrays(float, shape, elements=NUMBERS)) * accepts
    spare = data.draw(arrays(float, shape[0], elements=NUMBERS))
    assert not _check(spread.sum(axis=1) + spare, spread.sum(axis=0), accepts).any()


@given(data=st.data(), shape=SHAPES)
def test_rows_of_acceptance_are_enough_where_one_chemistry_is_refused(
    data: st.DataObject, shape: tuple[int, int]
) -> None:
    cars = data.draw(arrays(float, shape[0], elements=NUMBERS))
    accepts = np.ones(shape, dtype=bool)
    accepts[:, -1] = data.draw(arrays(bool, shape[0]))
    parts = data.draw(arrays(float, shape[1], elements=st.floats(0, 1)))
    parts /= max(1.0, parts.sum())
    # What a plan keeps: each by the share that takes it, all by the cars that there are.
    amounts = np.minimum(parts * cars.sum(), cars @ accepts)
    placed, misplaced = fill_models(cars, amounts, accepts)
    assert not misplaced.any()
    takers = cars * accepts[:, -1]
    if takers.sum() > 0:
        assert placed[:, -1] == pytest.approx(takers * amounts[-1] / takers.sum())
