select (extract(epoch from now() - max(committed_at)) / 60)::float8 as "距上一批"
from screen.ledger_batch
having max(committed_at) is not null
