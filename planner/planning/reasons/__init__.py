"""Why a plan is as it is: what each station is worth, what else is as good, how many are enough."""
