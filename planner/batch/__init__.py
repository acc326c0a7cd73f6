"""Many scenarios of one instance: a study, its runs, their catalogue."""
