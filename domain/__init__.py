"""Words, units, flags, periods and the standards' tables: no I/O but own data files, nothing of the house imported."""
