"""Package a model with its evidence and publish it."""
