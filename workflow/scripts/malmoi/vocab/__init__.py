"""Learn a WordPiece vocabulary that knows morphemes, and apply it."""
