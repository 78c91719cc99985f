-- Ranking of stations, and so of townships, by the composite index with all weights 1, with the change against last year. 排名。

create view screen.site_ranking as
with indexed as (
    select t.site_id, t.kind, t.start, sum(t.value / l.value) as composite, count(*) as pollutants,
        min(t.valid_days) as least_valid_days, max(t.days) as days,
        (array_agg(p.title_zh order by t.value / l.value desc))[1] as main_zh
    from lantian.period_statistic t
    join screen.pollutant p on p.key = t.pollutant
    join lantian.limit_value l on l.edition = t.limit_edition and l.area_class = 2 and l.pollutant = t.pollutant
        and l.averaging = case t.pollutant when 'co' then '24h' when 'o3' then '8h' else 'year' end
    where t.statistic = case t.pollutant when 'co' then 'p95' when 'o3' then 'p90' else 'mean' end and t.value is not null
    group by t.site_id, t.kind, t.start
    having count(*) = 6
),
compared as (
    select s.area_id, s.site_id, s.site_zh, s.township, s.kind as site_kind, n.kind, n.start,
        screen.published(n.composite, 2) as composite, n.main_zh, n.least_valid_days, n.days,
        screen.published(b.composite, 2) as composite_last_year,
        screen.published(100 * (n.composite - b.composite) / nullif(b.composite, 0), 1) as change_percent
    from indexed n
    join screen.air_site s on s.site_id = n.site_id and s.kind <> 'area'
    left join indexed b on b.site_id = n.site_id and b.kind = n.kind and b.start = (n.start - interval '1 year')::date
)
select c.*, 100.0 * c.least_valid_days / nullif(c.days, 0)::float8 as completeness_percent,
    rank() over (partition by c.area_id, c.kind, c.start order by c.composite) as rank,
    case when c.change_percent is not null then rank() over (
        partition by c.area_id, c.kind, c.start, c.change_percent is null order by c.change_percent
    ) end as change_rank
from compared c;

grant select on screen.site_ranking to lantian_reader, lantian_app;
