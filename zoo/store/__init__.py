"""The remote store of weights: what is sent there, and what is fetched from it."""
