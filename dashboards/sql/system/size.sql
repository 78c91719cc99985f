select sum(bytes)::float8 as "占用" from screen.table_size
