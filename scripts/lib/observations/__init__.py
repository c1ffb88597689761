"""What a study says of the observations of the paper that it reproduces: each with a statistic and a rule."""
