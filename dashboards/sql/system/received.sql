select coalesce(sum(received), 0)::bigint as "收到", coalesce(sum(rejected), 0)::bigint as "拒收"
from screen.ledger_batch
where committed_at > now() - interval '1 hour'
