"""One optimization model per file: its algebra on top, the solver below."""
