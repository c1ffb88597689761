"""Ways to choose what to deploy: equal weights, greedy weights, stacking, budgets; judged under shift."""
