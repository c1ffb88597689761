"""Applies a choice of deployment.json to new predictions or images, and exports it: `python -m scripts.lib.predict`."""
