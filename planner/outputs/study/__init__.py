"""A study on one page: what its scenarios cost and serve, and what they have in common."""
