-- Targets of annual means of particles beside the same figure without dust hours; it decides nothing. 剔除沙尘后的目标实绩。

alter table target_actual
    add column clean_value double precision,
    add column clean_published double precision,
    add column clean_status text check (clean_status in ('met', 'missed', 'on_track', 'at_risk', 'no_data'));
comment on column target_actual.clean_value is 'The figure without dust hours; null where the period has none 剔除沙尘实绩';
comment on column target_actual.clean_status is 'Where the target would stand by it 剔除沙尘状态';

create function screen.target_status_zh(status text) returns text
language sql immutable parallel safe
return case status when 'met' then '已达标' when 'missed' then '未达标' when 'on_track' then '进度正常' when 'at_risk' then '有风险'
    when 'no_data' then '暂无数据' when 'awaiting_report' then '待填报' end;
grant execute on function screen.target_status_zh to lantian_reader, lantian_app;

create view screen.target_without_dust as
select t.area_id, t.id as target_id, t.position, t.indicator_zh, t.unit, t.pollutant, t.statistic, t.comparator,
    t.value as target_value, a.period_start, a.as_of, a.complete, coalesce(a.published, a.value) as actual, a.status,
    screen.target_status_zh(a.status) as status_zh, a.clean_published as actual_without_dust,
    a.clean_status as status_without_dust, screen.target_status_zh(a.clean_status) as status_without_dust_zh
from lantian.target t
join lantian.target_actual a on a.area_id = t.area_id and a.target_id = t.id
where a.clean_value is not null;
comment on view screen.target_without_dust is 'Targets of periods with dust hours: measured and without dust 剔除沙尘后的目标实绩';

create or replace view screen.pm25_year as
select distinct on (a.area_id, a.period_start)
    a.area_id, area.name_zh as area_zh, a.target_id, a.period_start as year_start,
    extract(year from a.period_start)::integer as year, a.as_of, a.target_value, a.unit,
    a.actual_value as mean_so_far, a.actual as mean_published, a.valid_days, a.remaining_days, a.allowed_mean,
    a.complete, a.status, a.status_zh,
    100.0 * a.actual_value / nullif(a.target_value, 0) as percent_of_target,
    coalesce(w.actual_without_dust, a.actual) as mean_without_dust,
    coalesce(w.status_without_dust_zh, a.status_zh) as status_without_dust_zh
from screen.target_actual a
join lantian.area area on area.id = a.area_id
left join screen.target_without_dust w on w.area_id = a.area_id and w.target_id = a.target_id
    and w.period_start = a.period_start
where a.pollutant = 'pm25' and a.statistic = 'mean'
order by a.area_id, a.period_start, a.target_value, a.target_id;

grant select on screen.target_without_dust to lantian_reader, lantian_app;
