-- What screens may read: Grafana, the console and the public interface read these views and nothing else.
-- The views belong to lantian_owner and reach the tables with its rights; lantian_reader has no right on any table.
-- Local time is UTC+8 without daylight saving, as in domain/period.py; an hour carries its start.

create function screen.local_time(moment timestamptz) returns timestamp
language sql immutable parallel safe
return timezone(interval '8 hours', moment);

create function screen.local_day(moment timestamptz) returns date
language sql immutable parallel safe
return timezone(interval '8 hours', moment)::date;

create function screen.midnight(day date) returns timestamptz
language sql immutable parallel safe
return timezone(interval '8 hours', day::timestamp);

create function screen.today() returns date
language sql stable parallel safe
return timezone(interval '8 hours', now())::date;

-- A published concentration: GB/T 8170 half to even, a value within 1e-12 of a tie being the tie (analytics/rounding.py).
create function screen.published(value double precision, decimals integer) returns double precision
language sql immutable parallel safe
return case
    when abs(abs(value * power(10::float8, decimals) - round(value * power(10::float8, decimals))) - 0.5)
         <= least(abs(value * power(10::float8, decimals)) * 1e-12, 1e-6)
    then 2 * ceil(floor(value * power(10::float8, decimals)) / 2)
    else round(value * power(10::float8, decimals))
end / power(10::float8, decimals) + 0.0;

-- words ---------------------------------------------------------------------------------------------------------------

create view screen.aqi_level as
select edition, level, level_zh, category_zh, colour_zh, hex, aqi_low, aqi_high, effect_zh, advice_zh, clause
from lantian.aqi_level;

create view screen.pollutant as
select key, symbol, name_zh, unit, decimals, position, name_zh || '(' || symbol || ')' as title_zh
from lantian.pollutant;

-- Primary pollutants as bulletins print them; null when there is none.
create function screen.pollutants_zh(keys text[]) returns text
language sql stable parallel safe
begin atomic
    select string_agg(p.title_zh, '、' order by p.position) from screen.pollutant p where p.key = any (keys);
end;

create view screen.limit_value as
select l.edition, l.area_class, l.pollutant, p.symbol, p.title_zh, p.position, l.averaging,
    case l.averaging when 'year' then '年平均' when '24h' then '24小时平均' when '8h' then '日最大8小时平均'
        when '1h' then '1小时平均' when 'quarter' then '季平均' else l.averaging end as averaging_zh,
    l.value, l.unit, l.valid_from, l.valid_to,
    -- Days before the first edition are judged by the first (domain/edition.py); judges_to is the day after the last.
    case when l.valid_from = min(l.valid_from) over () then date '1900-01-01' else l.valid_from end as judges_from,
    coalesce(l.valid_to + 1, date '9999-12-31') as judges_to
from lantian.limit_value l
join screen.pollutant p on p.key = l.pollutant;

create view screen.limit_now as
select edition, area_class, pollutant, symbol, title_zh, position, averaging, averaging_zh, value, unit, valid_from, valid_to
from screen.limit_value
where valid_from <= screen.today() and (valid_to is null or valid_to >= screen.today());

-- places --------------------------------------------------------------------------------------------------------------

create view screen.area as
select id as area_id, name_zh, adcode, longitude, latitude
from lantian.area;

-- Sites with air readings, in the order that lists show them: the area's own mean first.
create view screen.air_site as
select s.id as site_id, s.area_id, s.name_zh as site_zh, s.kind,
    case s.kind when 'area' then '区域平均' when 'ambient' then '标准站' when 'micro' then '微站' when 'park' then '园区站'
        when 'odour' then '恶臭站' when 'mobile' then '走航车' when 'construction' then '工地' else s.kind end as kind_zh,
    case s.kind when 'area' then 0 when 'ambient' then 1 when 'park' then 2 when 'micro' then 3 else 4 end as kind_order,
    s.township, s.longitude, s.latitude, s.evaluated
from lantian.site s
where s.retired_at is null
    and (s.kind in ('area', 'ambient', 'micro', 'park', 'mobile', 'odour', 'construction'))
    and (s.kind in ('area', 'ambient', 'micro', 'park')
        or exists (select from lantian.device d where d.site_id = s.id and d.family = 'air' and d.retired_at is null));

-- statistics of hours and days ------------------------------------------------------------------------------------------

create view screen.air_hour as
select h.site_id, s.site_zh, s.area_id, s.kind, s.kind_zh, s.kind_order, h.hour,
    screen.published(h.pm25, 0) as pm25, screen.published(h.pm10, 0) as pm10, screen.published(h.so2, 0) as so2,
    screen.published(h.no2, 0) as no2, screen.published(h.co, 1) as co, screen.published(h.o3, 0) as o3,
    h.aqi, h.aqi_available, h.level, h.primary_pollutants, h.edition, h.settled_at
from lantian.air_hour h
join screen.air_site s on s.site_id = h.site_id;

create view screen.air_day as
select d.site_id, s.site_zh, s.area_id, s.kind, s.kind_zh, s.kind_order, d.day, screen.midnight(d.day) as time,
    screen.published(d.pm25, 0) as pm25, screen.published(d.pm10, 0) as pm10, screen.published(d.so2, 0) as so2,
    screen.published(d.no2, 0) as no2, screen.published(d.co, 1) as co, screen.published(d.o3_8h, 0) as o3_8h,
    screen.published(d.o3_1h, 0) as o3_1h,
    d.aqi, d.aqi_available, d.level, l.category_zh, l.hex, d.primary_pollutants, d.edition, d.settled_at
from lantian.air_day d
join screen.air_site s on s.site_id = d.site_id
left join lantian.aqi_level l on l.edition = d.edition and l.level = d.level;

-- Valid hours of a day: share of the hours that were due, over the pollutants that the site reported that day.
create view screen.completeness as
select d.site_id, s.site_zh, s.area_id, s.kind, s.kind_order, d.day, screen.midnight(d.day) as time,
    d.hours[1] as hours_pm25, d.hours[2] as hours_pm10, d.hours[3] as hours_so2, d.hours[4] as hours_no2,
    d.hours[5] as hours_co, d.hours[6] as hours_o3, due.hours as hours_due,
    least(100.0, 100.0 * total.hours / nullif(total.reported * due.hours, 0))::float8 as completeness_percent
from lantian.air_day d
join screen.air_site s on s.site_id = d.site_id
cross join lateral (
    select greatest(0, least(24, floor(extract(epoch from now() - screen.midnight(d.day)) / 3600)))::integer as hours
) due
cross join lateral (
    select coalesce(sum(h), 0) as hours, count(*) filter (where h > 0) as reported from unnest(d.hours) as h
) total;

-- the state of every site and device ------------------------------------------------------------------------------------

create view screen.device_now as
select d.id as device_id, d.site_id, s.name_zh as site_zh, s.area_id, s.kind, d.family, d.protocol, d.mn, d.interval_s,
    st.last_received_at, st.last_time, st.last_error, st.last_error_at, st.link, st.link_at,
    (extract(epoch from now() - st.last_time) / 60)::float8 as age_minutes,
    case
        when st.last_time is null then 'never'
        when now() - st.last_time <= greatest(3 * d.interval_s, 300) * interval '1 second' then 'online'
        when now() - st.last_time <= interval '60 minutes' then 'late'
        else 'silent'
    end as state,
    case
        when st.last_time is null then '未上报'
        when now() - st.last_time <= greatest(3 * d.interval_s, 300) * interval '1 second' then '正常'
        when now() - st.last_time <= interval '60 minutes' then '迟报'
        else '中断'
    end as state_zh,
    case st.link when 'online' then '在线' when 'offline' then '离线' else '未知' end as link_zh
from lantian.device d
join lantian.site s on s.id = d.site_id
left join lantian.device_state st on st.device_id = d.id
where d.retired_at is null;

-- Completeness of 24 hours: of the 24 full hours before the running one, over the pollutants reported in them.
-- An area is as fresh as the freshest of its evaluated sites.
create view screen.site_now as
select s.site_id, s.area_id, s.site_zh, s.kind, s.kind_zh, s.kind_order, s.township, s.longitude, s.latitude, s.evaluated,
    h.hour, screen.published(h.pm25, 0) as pm25, screen.published(h.pm10, 0) as pm10, screen.published(h.so2, 0) as so2,
    screen.published(h.no2, 0) as no2, screen.published(h.co, 1) as co, screen.published(h.o3, 0) as o3,
    h.aqi, h.aqi_available, h.level, l.category_zh, l.hex, screen.pollutants_zh(h.primary_pollutants) as primary_zh,
    h.edition, coalesce(c.completeness_percent, 0)::float8 as completeness_percent,
    (extract(epoch from now() - a.last_time) / 60)::float8 as age_minutes, a.last_time,
    coalesce(a.devices, 0)::integer as devices, coalesce(a.reporting, 0)::integer as devices_reporting
from screen.air_site s
left join lateral (
    -- The newest finished hour: the one under way is no hour yet.
    select * from lantian.air_hour x
    where x.site_id = s.site_id and x.hour < date_trunc('hour', now())
    order by x.hour desc limit 1
) h on true
left join lantian.aqi_level l on l.edition = h.edition and l.level = h.level
left join lateral (
    select 100.0 * sum(v.n) / nullif(24 * count(*) filter (where v.n > 0), 0) as completeness_percent
    from (
        select count(x.pm25) as pm25, count(x.pm10) as pm10, count(x.so2) as so2,
            count(x.no2) as no2, count(x.co) as co, count(x.o3) as o3
        from lantian.air_hour x
        where x.site_id = s.site_id
            and x.hour >= date_trunc('hour', now()) - interval '24 hours' and x.hour < date_trunc('hour', now())
    ) t
    cross join lateral unnest(array[t.pm25, t.pm10, t.so2, t.no2, t.co, t.o3]) as v (n)
) c on true
left join lateral (
    select max(d.last_time) as last_time, count(*) as devices, count(*) filter (where d.state = 'online') as reporting
    from screen.device_now d
    join lantian.site m on m.id = d.site_id
    where d.family = 'air'
        and (m.id = s.site_id or (s.kind = 'area' and m.area_id = s.area_id and m.evaluated and m.retired_at is null))
) a on true;

-- periods ---------------------------------------------------------------------------------------------------------------

create view screen.period as
select t.site_id, s.site_zh, s.area_id, s.kind as site_kind, t.kind, t.start, screen.midnight(t.start) as time,
    t.pollutant, p.symbol, p.title_zh, p.unit, p.decimals, p.position, t.statistic,
    case when t.statistic = 'mean' and t.pollutant = 'o3' then '日最大8小时平均值'
        when t.statistic = 'mean' then '平均值'
        when t.pollutant = 'o3' then '日最大8小时第' || substr(t.statistic, 2) || '百分位'
        else '日均值第' || substr(t.statistic, 2) || '百分位' end as statistic_zh,
    t.value, t.published, t.valid_days, t.days, t.valid, t.limit_value, t.limit_edition, t.complies,
    case when t.limit_value is null then null when t.complies then '达标' when not t.complies then '超标'
        else '天数不足' end as complies_zh
from lantian.period_statistic t
join screen.air_site s on s.site_id = t.site_id
join screen.pollutant p on p.key = t.pollutant;

create view screen.period_summary as
select t.site_id, s.site_zh, s.area_id, s.kind as site_kind, t.kind, t.start, screen.midnight(t.start) as time,
    t.valid_days, t.days, t.days_by_level[1] as days_level_1, t.days_by_level[2] as days_level_2,
    t.days_by_level[3] as days_level_3, t.days_by_level[4] as days_level_4, t.days_by_level[5] as days_level_5,
    t.days_by_level[6] as days_level_6, t.good_days, t.good_day_ratio, t.primary_days, t.complies, t.limit_edition,
    t.aqi_edition,
    case when t.complies then '达标' when not t.complies then '超标' else '天数不足' end as complies_zh
from lantian.period_summary t
join screen.air_site s on s.site_id = t.site_id;

-- targets ---------------------------------------------------------------------------------------------------------------

create view screen.target_actual as
select t.area_id, t.id as target_id, t.position, t.indicator_zh, t.unit, t.pollutant, t.statistic, t.comparator,
    t.value as target_value, a.period_start, a.as_of, a.value as actual_value, coalesce(a.published, a.value) as actual,
    a.status, screen_status.status_zh, a.valid_days, a.remaining_days, a.allowed_mean, a.complete, a.settled_at
from lantian.target t
join lantian.target_actual a on a.area_id = t.area_id and a.target_id = t.id
left join (
    values ('met', '已达标'), ('missed', '未达标'), ('on_track', '进度正常'), ('at_risk', '有风险'),
        ('no_data', '暂无数据'), ('awaiting_report', '待填报')
) as screen_status (status, status_zh) on screen_status.status = a.status;

-- One row per target: the period that decides it (the one in which it is due; before that, and for targets that come
-- again, the latest), and beside it the latest period of all.
create view screen.target_status as
select t.area_id, area.name_zh as area_zh, t.id as target_id, t.position, t.clause, t.indicator_zh,
    t.comparator, kind.comparator_zh, t.value as target_value, t.unit,
    kind.comparator_zh || ' ' || t.value || ' ' || kind.unit_zh as target_zh, kind.unit_zh, t.averaging, kind.averaging_zh,
    t.actual_kind, kind.actual_kind_zh, t.due_on, t.due_text, kind.due_zh, t.responsible_zh,
    j.period_start, j.as_of, j.actual, j.actual_value, j.valid_days, j.remaining_days, j.allowed_mean,
    coalesce(j.complete, false) as complete,
    coalesce(j.status, kind.unknown) as status,
    coalesce(j.status_zh, case kind.unknown when 'awaiting_report' then '待填报' else '暂无数据' end) as status_zh,
    coalesce(t.due_on is null or date_trunc(kind.unit, j.period_start) = date_trunc(kind.unit, t.due_on), false)
        as is_due_period,
    case kind.unit
        when 'year' then extract(year from j.period_start)::integer || '年'
        when 'quarter' then extract(year from j.period_start)::integer || '年第' || extract(quarter from j.period_start) || '季度'
        else extract(year from j.period_start)::integer || '年' || extract(month from j.period_start) || '月'
    end as period_zh,
    c.period_start as current_period_start, c.as_of as current_as_of, c.actual as current_actual,
    c.status as current_status, c.status_zh as current_status_zh, c.allowed_mean as current_allowed_mean,
    c.valid_days as current_valid_days, c.remaining_days as current_remaining_days,
    case
        when j.period_start is null then '尚无可评判的数据'
        when j.status = 'no_data' and j.actual is not null then '有效天数不足（' || j.valid_days || ' 天），不作评价'
        when t.due_on < screen.today() and t.averaging like 'calendar%'
            and date_trunc(kind.unit, j.period_start) < date_trunc(kind.unit, t.due_on)
            then '到期时段没有数据，所列为此前时段'
        when j.status = 'missed' and not j.complete then '剩余时段已无法挽回'
        when t.due_on < screen.today() then '已到期'
    end as remark_zh
from lantian.target t
join lantian.area area on area.id = t.area_id
cross join lateral (
    select
        case t.averaging when 'calendar quarter' then 'quarter' when 'calendar month' then 'month' else 'year' end as unit,
        case t.averaging when 'calendar year' then '自然年' when 'calendar quarter' then '自然季' when 'calendar month' then '自然月'
            when 'at date' then '时点' when 'per batch' then '每批次' else t.averaging end as averaging_zh,
        case t.comparator when '<=' then '≤' when '>=' then '≥' when '<' then '＜' when '>' then '＞' else t.comparator end
            as comparator_zh,
        case t.unit when '10^4 t' then '万吨' when 'enterprises' then '户' when 'boilers' then '台' when 'machines' then '台'
            else t.unit end as unit_zh,
        case t.actual_kind when 'measured' then '监测' when 'registry' then '台账' when 'reported' then '填报'
            else t.actual_kind end as actual_kind_zh,
        case t.due_text when 'monthly' then '每月' when 'quarterly' then '每季度'
            else coalesce(to_char(t.due_on, 'YYYY-MM-DD'), t.due_text) end as due_zh,
        case when t.actual_kind = 'reported' then 'awaiting_report' else 'no_data' end as unknown
) kind
left join lateral (
    select a.* from screen.target_actual a
    where a.area_id = t.area_id and a.target_id = t.id and (t.due_on is null or a.period_start <= t.due_on)
    order by a.period_start desc limit 1
) j on true
left join lateral (
    select a.* from screen.target_actual a
    where a.area_id = t.area_id and a.target_id = t.id
    order by a.period_start desc limit 1
) c on true;

-- The PM2.5 mean of an area and year against its strictest PM2.5 target of annual means, and what the rest may average.
create view screen.pm25_year as
select distinct on (a.area_id, a.period_start)
    a.area_id, area.name_zh as area_zh, a.target_id, a.period_start as year_start,
    extract(year from a.period_start)::integer as year, a.as_of, a.target_value, a.unit,
    a.actual_value as mean_so_far, a.actual as mean_published, a.valid_days, a.remaining_days, a.allowed_mean,
    a.complete, a.status, a.status_zh,
    100.0 * a.actual_value / nullif(a.target_value, 0) as percent_of_target
from screen.target_actual a
join lantian.area area on area.id = a.area_id
where a.pollutant = 'pm25' and a.statistic = 'mean'
order by a.area_id, a.period_start, a.target_value, a.target_id;

-- The mean of the valid days of the year up to each day; its last value is the annual mean.
create view screen.pm25_daily_cumulative as
select d.site_id, s.area_id, s.site_zh, d.day, screen.midnight(d.day) as time,
    extract(year from d.day)::integer as year, screen.published(d.pm25, 0) as pm25,
    avg(d.pm25) over so_far as cumulative_mean, count(d.pm25) over so_far as valid_days, t.target_value
from lantian.air_day d
join screen.air_site s on s.site_id = d.site_id and s.kind = 'area'
left join lateral (
    select min(x.value) as target_value from lantian.target x
    where x.area_id = s.area_id and x.pollutant = 'pm25' and x.statistic = 'mean'
) t on true
window so_far as (partition by d.site_id, extract(year from d.day) order by d.day);

-- reception -------------------------------------------------------------------------------------------------------------

create view screen.ledger_batch as
select id as batch_id, collector, committed_at, received, stored, duplicate, revised, rejected, rows_stored, rows_duplicate,
    rows_revised
from lantian.ledger;

create view screen.ledger_hour as
select date_trunc('hour', committed_at) as hour, count(*) as batches, sum(received)::bigint as received,
    sum(stored)::bigint as stored, sum(duplicate)::bigint as duplicate, sum(revised)::bigint as revised,
    sum(rejected)::bigint as rejected, sum(rows_stored)::bigint as rows_stored,
    sum(rows_duplicate)::bigint as rows_duplicate, sum(rows_revised)::bigint as rows_revised
from lantian.ledger
group by date_trunc('hour', committed_at);

create view screen.reject_recent as
select r.id, r.received_at, r.topic, r.device_id, s.name_zh as site_zh, s.area_id, r.reason,
    coalesce(w.name_zh, r.reason) as reason_zh, r.detail, r.replayed_at, r.replay_outcome
from lantian.reject r
left join lantian.reason w on w.code = r.reason
left join lantian.device d on d.id = r.device_id
left join lantian.site s on s.id = d.site_id
where r.received_at >= now() - interval '30 days';

grant usage on schema screen to lantian_reader, lantian_app;
grant select on all tables in schema screen to lantian_reader, lantian_app;
grant execute on all functions in schema screen to lantian_reader, lantian_app;
