"""What a corpus of another size would take, from what a finished run took."""
