"""Pure, vectorised functions: arrays in, arrays out."""
