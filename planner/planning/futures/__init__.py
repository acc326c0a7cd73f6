"""One plan for many futures: what each asks for, and stations that stand in all of them."""
