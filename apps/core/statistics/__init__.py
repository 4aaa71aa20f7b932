"""Statistics of paired comparisons and of rates, as pure functions (see each module for its sources)."""
