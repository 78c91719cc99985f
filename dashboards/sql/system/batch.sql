select $__timeGroupAlias(committed_at,$__interval), collector as metric,
    max(extract(epoch from committed_at - opened_at))::float8 as value
from screen.ledger_batch
where $__timeFilter(committed_at)
group by 1, 2
order by 1, 2
