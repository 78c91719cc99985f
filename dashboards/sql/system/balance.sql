select case when count(*) = 0 then '没有批次'
    when bool_and(received = stored + duplicate + revised + rejected) then '平衡' else '不平衡' end as "账目"
from screen.ledger_batch
where committed_at > now() - interval '24 hours'
