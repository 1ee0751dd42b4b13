"""What a short text says: numbers, units, dates and expressions as one of a few kinds."""
