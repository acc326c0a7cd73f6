"""A study of markets on one page: who gets the scarce packs first, and why."""
