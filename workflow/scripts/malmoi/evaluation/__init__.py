"""Measure a pretrained model against the same network untrained."""
