"""Which station opens when: the scenario's periods as one problem, and its answer by label."""
