"""The names of ways to choose, of metrics, and of what is chosen on. Needs only the standard library."""

# Ways to choose. SINGLE and ALL are there to compare with.
SINGLE, ALL, BEST, GREEDY, STACKING, BUDGET = "single", "all", "best", "greedy_weights", "stacking", "budget"
ACCURACY, NLL, BRIER = "accuracy", "nll", "brier"
METRICS = (ACCURACY, NLL, BRIER)
# Averages of the members as they are, or of members that are scaled by their temperatures.
AVERAGE, CALIBRATED = "average", "calibrated"
# The first set, or all sets together, by the mean or the largest of their losses.
CLEAN, MEAN, WORST = "clean", "mean", "worst"
