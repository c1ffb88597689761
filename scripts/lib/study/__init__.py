"""From a study file to a complete, checked study; and the commands that look at one before it runs."""
