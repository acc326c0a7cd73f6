"""What each station is worth to a plan, and what each closed site would take to enter it."""
