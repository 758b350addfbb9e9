"""What a run's report shows besides its figures: tables and JSON as pages."""
