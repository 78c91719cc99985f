select case township when '—' then '未登记' else township end as __text, township as __value
from screen.site_township
where area_id = ${area:sqlstring}
group by township
order by township = '—', township
