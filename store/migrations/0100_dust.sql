-- Confirmed dust processes with who entered them and why, and days and periods without their hours beside the measured ones. 沙尘。

create table dust_interval (
    id bigint generated always as identity primary key,
    area_id text not null references area,
    site_id text references site,
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > starts_at),
    source text not null check (source <> ''),
    note text,
    entered_by text not null check (entered_by <> ''),
    reason text not null check (reason <> ''),
    entered_at timestamptz not null
);
create index dust_interval_area on dust_interval (area_id, starts_at);
comment on table dust_interval is 'Confirmed dust processes; rows are only added 沙尘天气过程';
comment on column dust_interval.site_id is 'Null: every station of the area 空为全区域';
comment on column dust_interval.source is 'Who confirmed it 确认单位';

create table dust_withdrawal (
    dust_id bigint primary key references dust_interval,
    withdrawn_by text not null check (withdrawn_by <> ''),
    reason text not null check (reason <> ''),
    withdrawn_at timestamptz not null
);
comment on table dust_withdrawal is 'Dust processes that count no more 沙尘撤销';

create table day_without_dust (
    site_id text not null,
    day date not null,
    pm25 double precision,
    pm10 double precision,
    dust_hours smallint not null check (dust_hours between 1 and 24),
    settled_at timestamptz not null default now(),
    primary key (site_id, day)
);
comment on table day_without_dust is 'Daily means of particles without dust hours, of days that have some; null = too few hours left 剔除沙尘日值';

create table period_without_dust (
    site_id text not null,
    kind text not null check (kind in ('month', 'quarter', 'year')),
    start date not null,
    pollutant text not null check (pollutant in ('pm25', 'pm10')),
    statistic text not null,
    value double precision,
    published double precision,
    valid_days int not null,
    valid boolean not null,
    settled_at timestamptz not null default now(),
    primary key (site_id, kind, start, pollutant, statistic)
);
comment on table period_without_dust is 'Statistics of particles without dust hours, of periods that have some 剔除沙尘时段统计';

grant select, insert on dust_interval, dust_withdrawal to lantian_app;
grant select, insert, update, delete on day_without_dust, period_without_dust to lantian_app;

create view screen.dust_interval as
select d.id, d.area_id, a.name_zh as area_zh, d.site_id, coalesce(s.name_zh, '全部站点') as site_zh, d.starts_at, d.ends_at,
    d.source, d.note, d.entered_by, d.reason, d.entered_at, w.withdrawn_by, w.reason as withdrawal_reason, w.withdrawn_at
from lantian.dust_interval d
join lantian.area a on a.id = d.area_id
left join lantian.site s on s.id = d.site_id
left join lantian.dust_withdrawal w on w.dust_id = d.id;

create or replace view screen.period as
select t.site_id, s.site_zh, s.area_id, s.kind as site_kind, t.kind, t.start, screen.midnight(t.start) as time,
    t.pollutant, p.symbol, p.title_zh, p.unit, p.decimals, p.position, t.statistic,
    case when t.statistic = 'mean' and t.pollutant = 'o3' then '日最大8小时平均值'
        when t.statistic = 'mean' then '平均值'
        when t.pollutant = 'o3' then '日最大8小时第' || substr(t.statistic, 2) || '百分位'
        else '日均值第' || substr(t.statistic, 2) || '百分位' end as statistic_zh,
    t.value, t.published, t.valid_days, t.days, t.valid, t.limit_value, t.limit_edition, t.complies,
    case when t.limit_value is null then null when t.complies then '达标' when not t.complies then '超标'
        else '天数不足' end as complies_zh,
    w.value as value_without_dust, w.published as published_without_dust, w.valid_days as valid_days_without_dust
from lantian.period_statistic t
join screen.air_site s on s.site_id = t.site_id
join screen.pollutant p on p.key = t.pollutant
left join lantian.period_without_dust w on w.site_id = t.site_id and w.kind = t.kind and w.start = t.start
    and w.pollutant = t.pollutant and w.statistic = t.statistic;

grant select on screen.dust_interval to lantian_reader, lantian_app;
