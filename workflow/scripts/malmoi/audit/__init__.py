"""Memorisation audit: planted canaries, membership, completions, and what a model may be published with."""
