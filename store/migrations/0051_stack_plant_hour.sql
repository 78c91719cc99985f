-- Statistics of stacks and of plant meters: ordinary tables that the settler writes; null = not valid. 烟气与工况统计。

create table stack_hour (
    site_id text not null,
    hour timestamptz not null check (date_trunc('hour', hour, 'UTC') = hour),
    pm double precision,
    pm_converted double precision,
    pm_limit double precision,
    pm_over boolean,
    pm_kg double precision,
    so2 double precision,
    so2_converted double precision,
    so2_limit double precision,
    so2_over boolean,
    so2_kg double precision,
    nox double precision,
    nox_converted double precision,
    nox_limit double precision,
    nox_over boolean,
    nox_kg double precision,
    co double precision,
    co_converted double precision,
    co_limit double precision,
    co_over boolean,
    co_kg double precision,
    nh3 double precision,
    nh3_converted double precision,
    nh3_limit double precision,
    nh3_over boolean,
    nh3_kg double precision,
    o2 double precision,
    flow double precision,
    velocity double precision,
    flue_temperature double precision,
    flue_pressure double precision,
    flue_humidity double precision,
    minutes smallint[] not null check (cardinality(minutes) = 15),
    flag text not null check (length(flag) = 15),
    state text not null check (state in ('running', 'standstill', 'stopped', 'invalid')),
    kind text,
    settled_at timestamptz not null default now(),
    primary key (site_id, hour)
);
create index stack_hour_hour on stack_hour (hour);
comment on table stack_hour is 'Hourly means of a stack: dry gas at the standard state, reference oxygen, limits, mass 烟气小时值';
comment on column stack_hour.pm is 'Measured, dry gas at the standard state, mg/m³ 实测干基标态';
comment on column stack_hour.pm_converted is 'At reference oxygen, mg/m³ 折算';
comment on column stack_hour.pm_limit is 'Limit in force on that day 限值';
comment on column stack_hour.pm_over is 'Over the limit; null = not judged: invalid, marked, standing still or without a limit 是否超标，空为不判定';
comment on column stack_hour.pm_kg is 'Mass of the hour, kg 排放量';
comment on column stack_hour.flow is 'Dry gas at the standard state, m³/s 标干流量';
comment on column stack_hour.minutes is 'Minutes each value rests on, in the order of family stack 有效分钟数';
comment on column stack_hour.state is
    'running; standstill: oxygen near that of air; stopped: marked out of operation; invalid: too few valid minutes 状态';
comment on column stack_hour.kind is 'Kind of outlet whose limits judged; null = no outlet registered 排放口类型';

create table stack_day (
    site_id text not null,
    day date not null,
    pollutant text not null,
    measured double precision,
    converted double precision,
    valid_hours smallint not null,
    operating_hours smallint not null,
    judged_hours smallint not null,
    over_hours smallint not null,
    kg double precision not null,
    mass_hours smallint not null,
    settled_at timestamptz not null default now(),
    primary key (site_id, day, pollutant)
);
comment on table stack_day is 'Daily means of valid hours, hours over the limit, mass 烟气日值';
comment on column stack_day.converted is 'Mean at reference oxygen; null with fewer valid hours than the standard asks 日均折算浓度';
comment on column stack_day.mass_hours is 'Hours whose mass is known; the rest of the operating hours adds nothing 有排放量小时数';

create table stack_month (
    site_id text not null,
    month date not null check (extract(day from month) = 1),
    pollutant text not null,
    hours smallint not null,
    operating_hours smallint not null,
    judged_hours smallint not null,
    over_hours smallint not null,
    percent double precision,
    met boolean,
    kg double precision not null,
    missing_hours smallint not null,
    permitted_t double precision,
    settled_at timestamptz not null default now(),
    primary key (site_id, month, pollutant)
);
comment on table stack_month is 'Share of a month''s hours within the limits, mass; pollutant any: all of them together 烟气月达标率';
comment on column stack_month.hours is 'Hours with any reading 有数据小时数';
comment on column stack_month.percent is 'Judged hours within, percent, one decimal 达标小时比例';
comment on column stack_month.met is 'Whether the share reaches what is asked for; null = no hour judged 是否达到要求';
comment on column stack_month.missing_hours is 'Operating hours without a known mass 缺失小时数';
comment on column stack_month.permitted_t is 'Permitted total of the year, t 年许可排放量';

create table plant_hour (
    device_id text not null,
    hour timestamptz not null check (date_trunc('hour', hour, 'UTC') = hour),
    power double precision,
    energy double precision,
    running double precision,
    load double precision,
    minutes smallint[] not null check (cardinality(minutes) = 4),
    settled_at timestamptz not null default now(),
    primary key (device_id, hour)
);
create index plant_hour_hour on plant_hour (hour);
comment on table plant_hour is 'Hourly means of a meter or operating-condition device 工况与用电小时值';
comment on column plant_hour.power is 'Mean active power, kW 平均有功功率';
comment on column plant_hour.energy is 'Electricity of the hour, kWh 小时用电量';
comment on column plant_hour.running is 'Share of the hour in which it ran, 0 to 1 运行时间比例';
comment on column plant_hour.load is 'Mean production load, % 平均生产负荷';
comment on column plant_hour.minutes is 'Minutes that power, energy, running, load rest on 有效分钟数';

grant select, insert, update, delete on stack_hour, stack_day, stack_month, plant_hour to lantian_app;

-- One row per hour and pollutant that was measured.
create view screen.stack_hour as
select h.site_id, s.name_zh as site_zh, s.area_id, s.enterprise_id, e.name_zh as enterprise_zh, h.hour, p.pollutant,
    p.pollutant_zh, p.position, p.value, p.converted, p.limit_value, p.over, p.kg, h.o2, h.flow, h.flue_temperature, h.state,
    case h.state when 'running' then '运行' when 'standstill' then '含氧量接近空气' when 'stopped' then '停运'
        else '数据无效' end as state_zh,
    case when p.over then '超标' when not p.over then '达标' else '不判定' end as verdict_zh, h.kind, h.settled_at
from lantian.stack_hour h
join lantian.site s on s.id = h.site_id
left join lantian.enterprise e on e.id = s.enterprise_id
cross join lateral (values
    ('pm', '颗粒物', 1, h.pm, h.pm_converted, h.pm_limit, h.pm_over, h.pm_kg),
    ('so2', '二氧化硫', 2, h.so2, h.so2_converted, h.so2_limit, h.so2_over, h.so2_kg),
    ('nox', '氮氧化物', 3, h.nox, h.nox_converted, h.nox_limit, h.nox_over, h.nox_kg),
    ('co', '一氧化碳', 4, h.co, h.co_converted, h.co_limit, h.co_over, h.co_kg),
    ('nh3', '氨', 5, h.nh3, h.nh3_converted, h.nh3_limit, h.nh3_over, h.nh3_kg)
) as p (pollutant, pollutant_zh, position, value, converted, limit_value, over, kg)
where p.value is not null or p.limit_value is not null;

create function screen.stack_pollutant_zh(pollutant text) returns text
language sql immutable parallel safe
return case pollutant when 'pm' then '颗粒物' when 'so2' then '二氧化硫' when 'nox' then '氮氧化物' when 'co' then '一氧化碳'
    when 'nh3' then '氨' when 'any' then '全部污染物' else pollutant end;

create view screen.stack_day as
select d.site_id, s.name_zh as site_zh, s.area_id, s.enterprise_id, e.name_zh as enterprise_zh, d.day,
    screen.midnight(d.day) as time, d.pollutant, screen.stack_pollutant_zh(d.pollutant) as pollutant_zh, d.measured,
    d.converted, d.valid_hours, d.operating_hours, d.judged_hours, d.over_hours, d.kg, d.mass_hours
from lantian.stack_day d
join lantian.site s on s.id = d.site_id
left join lantian.enterprise e on e.id = s.enterprise_id;

-- year_t: emission of the calendar year up to and with the month.
create view screen.stack_month as
select m.site_id, s.name_zh as site_zh, s.area_id, s.enterprise_id, e.name_zh as enterprise_zh, m.month,
    screen.midnight(m.month) as time, m.pollutant, screen.stack_pollutant_zh(m.pollutant) as pollutant_zh,
    (extract(epoch from least(now(), screen.midnight((m.month + interval '1 month')::date)) - screen.midnight(m.month))
        / 3600)::integer as hours_due,
    m.hours, m.operating_hours, m.judged_hours, m.over_hours, m.percent, m.met,
    case when m.met then '达到要求' when not m.met then '未达到要求' else '无法判定' end as met_zh,
    m.kg / 1000 as month_t, m.missing_hours, c.year_t, m.permitted_t,
    100 * c.year_t / nullif(m.permitted_t, 0) as permitted_percent
from lantian.stack_month m
join lantian.site s on s.id = m.site_id
left join lantian.enterprise e on e.id = s.enterprise_id
cross join lateral (
    select sum(x.kg) / 1000 as year_t from lantian.stack_month x
    where x.site_id = m.site_id and x.pollutant = m.pollutant and x.month <= m.month
        and x.month >= date_trunc('year', m.month::timestamp)::date
) c;

create view screen.plant_hour as
select h.device_id, d.site_id, s.name_zh as site_zh, s.area_id, s.enterprise_id, e.name_zh as enterprise_zh, h.hour, h.power,
    h.energy, h.running, h.load, l.line_id, l.name_zh as line_zh, l.kind as line_kind,
    case l.kind when 'production' then '生产线' when 'treatment' then '治理设施' end as line_kind_zh, m.share
from lantian.plant_hour h
join lantian.device d on d.id = h.device_id
join lantian.site s on s.id = d.site_id
left join lantian.enterprise e on e.id = s.enterprise_id
left join lantian.line_meter m on m.device_id = h.device_id
left join lantian.production_line l on l.line_id = m.line_id and l.retired_at is null;

grant execute on function screen.stack_pollutant_zh(text) to lantian_reader, lantian_app, lantian_writer;
grant select on screen.stack_hour, screen.stack_day, screen.stack_month, screen.plant_hour to lantian_reader, lantian_app;
