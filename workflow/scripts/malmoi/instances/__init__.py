"""Build next-sentence pairs with masked words, and load them for training."""
