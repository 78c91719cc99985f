select $__timeGroupAlias({{time}},$__interval), sum(stored)::bigint as "入库", sum(duplicate)::bigint as "重复",
    sum(revised)::bigint as "修订", sum(rejected)::bigint as "拒收"
from screen.{{view}}
where $__timeFilter({{time}})
group by 1
order by 1
