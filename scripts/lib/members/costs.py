"""What a member costs for one image: operations, latency and parameters, as far as they are known."""

# In the order of preference: ensembles are compared by the first of these that is known of all members.
COSTS = ("macs", "latency_ms", "parameters")
