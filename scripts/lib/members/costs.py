"""What a member costs for one image: operations, latency and parameters, as far as they are known."""

# In order of preference: ensembles are compared by the first of these that is known for all members.
COSTS = ("macs", "latency_ms", "parameters")
