"""Words, units, flags, periods and the standards' tables. Imports nothing of the house and does no I/O but its own data files."""
