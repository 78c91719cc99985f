select rank as "名次", site_zh as "站点", township as "乡镇", composite as "综合指数", main_zh as "主要污染物",
    composite_last_year as "上年指数", change_percent as "变化率", change_rank as "变化名次", completeness_percent as "数据完整率"
from screen.site_ranking
where kind = 'year' and area_id = ${area:sqlstring} and to_char(start, 'YYYY') = ${year:sqlstring}
order by rank, site_id
