"""Schema, migrations and every SQL statement of the house except the panels'."""
