"""Range, energy and swaps over temperature, as tables and figures, and against measurement."""
