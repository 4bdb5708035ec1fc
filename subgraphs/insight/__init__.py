"""Care gaps, measures and cohorts: what whole populations lack, counted over exports in bulk."""
