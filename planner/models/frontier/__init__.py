"""What is served, or what it costs, over the number of stations or money: a plan and a bound."""
