-- The composite index unrounded, and the ranking of townships by the mean of their stations. 乡镇排名。

create view screen.site_index as
with item as not materialized (
    select t.site_id, t.kind, t.start, t.pollutant, t.limit_edition, t.valid_days, t.days, t.value,
        case when w.site_id is null then t.value else w.value end as clean
    from lantian.period_statistic t
    left join lantian.period_without_dust w on w.site_id = t.site_id and w.kind = t.kind and w.start = t.start
        and w.pollutant = t.pollutant and w.statistic = t.statistic
    where t.statistic = case t.pollutant when 'co' then 'p95' when 'o3' then 'p90' else 'mean' end and t.value is not null
),
share as (
    select n.site_id, n.kind, n.start, p.title_zh, p.symbol, p.position, n.valid_days, n.days,
        n.value / l.value as now, b.value / l.value as before, n.clean / l.value as clean, b.clean / l.value as clean_before,
        case n.pollutant when 'pm25' then g.pm25 when 'pm10' then g.pm10 when 'so2' then g.so2 when 'no2' then g.no2
            when 'co' then g.co else g.o3 end as weight
    from item n
    join screen.pollutant p on p.key = n.pollutant
    join lantian.limit_value l on l.edition = n.limit_edition and l.area_class = 2 and l.pollutant = n.pollutant
        and l.averaging = case n.pollutant when 'co' then '24h' when 'o3' then '8h' else 'year' end
    left join item b on b.site_id = n.site_id and b.kind = n.kind and b.pollutant = n.pollutant
        and b.start = (n.start - interval '1 year')::date
    left join lateral (
        select * from lantian.index_weight i
        where i.first_day < n.start + case n.kind when 'month' then interval '1 month'
            when 'quarter' then interval '3 months' else interval '1 year' end
        order by i.first_day desc, i.id desc limit 1
    ) g on true
),
indexed as (
    select site_id, kind, start, min(valid_days) as least_valid_days, max(days) as days,
        (array_agg(title_zh order by now desc))[1] as main_zh, sum(now) as composite,
        case when count(before) = 6 then sum(before) end as before,
        case when count(clean) = 6 then sum(clean) end as clean,
        case when count(clean_before) = 6 then sum(clean_before) end as clean_before,
        case when count(weight) = 6 then sum(weight * now) end as weighted,
        case when count(weight) = 6 and count(before) = 6 then sum(weight * before) end as weighted_before,
        case when count(weight) = 6 and count(clean) = 6 then sum(weight * clean) end as weighted_clean,
        coalesce(string_agg(symbol || '×' || weight, ' ' order by position) filter (where weight <> 1), '各项均为1') as weights_zh
    from share
    group by site_id, kind, start
    having count(*) = 6
)
select s.area_id, s.site_zh, s.township, s.kind as site_kind, n.*
from indexed n
join screen.air_site s on s.site_id = n.site_id and s.kind <> 'area';
comment on view screen.site_index is 'Composite index of stations, unrounded: now, last year, weighted, without dust 综合指数（未修约）';

create or replace view screen.site_ranking as
with compared as (
    select n.area_id, n.site_id, n.site_zh, n.township, n.site_kind, n.kind, n.start,
        screen.published(n.composite, 2) as composite, n.main_zh, n.least_valid_days, n.days,
        screen.published(n.before, 2) as composite_last_year,
        screen.published(100 * (n.composite - n.before) / nullif(n.before, 0), 1) as change_percent,
        n.weights_zh, screen.published(n.weighted, 2) as weighted, screen.published(n.weighted_before, 2) as weighted_last_year,
        screen.published(100 * (n.weighted - n.weighted_before) / nullif(n.weighted_before, 0), 1) as weighted_change_percent,
        screen.published(n.clean, 2) as composite_without_dust,
        screen.published(n.weighted_clean, 2) as weighted_without_dust,
        screen.published(100 * (n.clean - n.clean_before) / nullif(n.clean_before, 0), 1) as change_percent_without_dust
    from screen.site_index n
)
select c.area_id, c.site_id, c.site_zh, c.township, c.site_kind, c.kind, c.start, c.composite, c.main_zh, c.least_valid_days,
    c.days, c.composite_last_year, c.change_percent,
    100.0 * c.least_valid_days / nullif(c.days, 0)::float8 as completeness_percent,
    rank() over (partition by c.area_id, c.kind, c.start order by c.composite) as rank,
    case when c.change_percent is not null then rank() over (
        partition by c.area_id, c.kind, c.start, c.change_percent is null order by c.change_percent
    ) end as change_rank,
    c.weights_zh, c.weighted, c.weighted_last_year, c.weighted_change_percent,
    case when c.weighted is not null then rank() over (
        partition by c.area_id, c.kind, c.start order by c.weighted
    ) end as weighted_rank,
    case when c.weighted_change_percent is not null then rank() over (
        partition by c.area_id, c.kind, c.start order by c.weighted_change_percent
    ) end as weighted_change_rank,
    c.composite_without_dust, c.weighted_without_dust, c.change_percent_without_dust,
    case when c.composite_without_dust is not null then rank() over (
        partition by c.area_id, c.kind, c.start order by c.composite_without_dust
    ) end as rank_without_dust,
    case when c.weighted_without_dust is not null then rank() over (
        partition by c.area_id, c.kind, c.start order by c.weighted_without_dust
    ) end as weighted_rank_without_dust
from compared c;

-- A township is the mean of its stations; micro stations stand for it only where it has no other.
create view screen.township_ranking as
with own as (
    select *, bool_or(site_kind <> 'micro') over (partition by area_id, township, kind, start) as measured
    from screen.site_index where township is not null
),
township as (
    select area_id, township, kind, start, bool_and(measured) as reference, count(*) as stations, max(weights_zh) as weights_zh,
        min(least_valid_days) as least_valid_days, max(days) as days, avg(composite) as composite, avg(weighted) as weighted,
        case when count(before) = count(*) then avg(before) end as before,
        case when count(weighted_before) = count(*) then avg(weighted_before) end as weighted_before,
        case when count(clean) = count(*) then avg(clean) end as clean,
        case when count(weighted_clean) = count(*) then avg(weighted_clean) end as weighted_clean
    from own where (site_kind <> 'micro') = measured
    group by area_id, township, kind, start
),
compared as (
    select area_id, township, kind, start, reference, stations, weights_zh,
        100.0 * least_valid_days / nullif(days, 0)::float8 as completeness_percent,
        screen.published(composite, 2) as composite, screen.published(weighted, 2) as weighted,
        screen.published(100 * (composite - before) / nullif(before, 0), 1) as change_percent,
        screen.published(100 * (weighted - weighted_before) / nullif(weighted_before, 0), 1) as weighted_change_percent,
        screen.published(clean, 2) as composite_without_dust, screen.published(weighted_clean, 2) as weighted_without_dust
    from township
)
select c.*, rank() over (partition by area_id, kind, start order by composite) as rank,
    case when change_percent is not null then rank() over (
        partition by area_id, kind, start order by change_percent
    ) end as change_rank,
    case when weighted is not null then rank() over (partition by area_id, kind, start order by weighted) end as weighted_rank,
    case when weighted_change_percent is not null then rank() over (
        partition by area_id, kind, start order by weighted_change_percent
    ) end as weighted_change_rank
from compared c;
comment on view screen.township_ranking is 'Townships by the mean composite index of their stations 乡镇综合指数排名';

grant select on screen.site_index, screen.township_ranking to lantian_reader, lantian_app;
