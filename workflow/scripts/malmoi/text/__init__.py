"""Repair Korean text and hide personal data."""
