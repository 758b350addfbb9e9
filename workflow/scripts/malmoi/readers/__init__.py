"""Read raw files of any format into documents."""
