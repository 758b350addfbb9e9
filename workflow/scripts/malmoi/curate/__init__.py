"""Decide which documents are kept, and in which split."""
