"""Names of what ensembles are chosen by and of what they gain, beside diversities. Needs only the standard library."""

ENSEMBLE_ACCURACY, MEMBER_ACCURACY = "ensemble_accuracy", "mean_member_accuracy"
# Gains under shift: the accuracy of the ensemble, and this less the mean accuracy of its members.
GAINS = ("accuracy", "over_mean")
