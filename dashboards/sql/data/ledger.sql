select $__timeGroupAlias(committed_at,$__interval), sum(stored)::bigint as "入库", sum(duplicate)::bigint as "重复",
    sum(revised)::bigint as "修订", sum(rejected)::bigint as "拒收"
from screen.ledger_batch
where $__timeFilter(committed_at)
group by 1
order by 1
