select $__timeGroupAlias(time,$__interval,NULL), site_zh as metric, avg(completeness_percent) as value
from screen.completeness
where $__timeFilter(time) and area_id = ${area:sqlstring} and kind <> 'area'
group by 1, 2, kind_order, site_id
order by 1, kind_order, site_id
