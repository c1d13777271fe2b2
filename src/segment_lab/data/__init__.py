"""From files and databases to accepted rows: contracts, sources, intake, expressions, guessing,
the engine."""
