-- Twelve rolling months and three years, beside the calendar's periods. 滚动12个月与三年统计。

create table rolling_statistic (
    site_id text not null,
    kind text not null check (kind in ('rolling12', 'three-years')),
    start date not null,
    last_day date not null check (last_day > start),
    pollutant text not null check (pollutant in ('pm25', 'pm10', 'so2', 'no2', 'co', 'o3')),
    statistic text not null check (statistic in ('mean', 'p90', 'p95', 'p98')),
    value double precision not null,
    published double precision not null,
    without_dust_value double precision,
    without_dust_published double precision,
    valid_days int not null,
    days int not null,
    valid boolean not null,
    limit_value double precision,
    limit_edition text not null,
    settled_at timestamptz not null default now(),
    primary key (site_id, kind, start, pollutant, statistic)
);
comment on table rolling_statistic is 'Means and percentiles of daily values over the twelve months up to the end of a month, and over three years 滚动统计';
comment on column rolling_statistic.without_dust_value is 'Null: no dust hour in the period, or not a particle 剔除沙尘值';
comment on column rolling_statistic.limit_value is 'The yearly limit to compare with; no verdict rests on it 对照限值';

grant select, insert, update, delete on rolling_statistic to lantian_app;

create view screen.rolling as
select t.site_id, s.site_zh, s.area_id, s.kind as site_kind, t.kind,
    case t.kind when 'rolling12' then '滚动12个月' else '三年' end as kind_zh, t.start, t.last_day,
    to_char(t.start, 'YYYY-MM') || '～' || to_char(t.last_day, 'YYYY-MM') as period_zh, t.pollutant, p.symbol, p.title_zh, p.unit,
    p.decimals, p.position, t.statistic,
    case when t.statistic = 'mean' and t.pollutant = 'o3' then '日最大8小时平均值'
        when t.statistic = 'mean' then '平均值'
        when t.pollutant = 'o3' then '日最大8小时第' || substr(t.statistic, 2) || '百分位'
        else '日均值第' || substr(t.statistic, 2) || '百分位' end as statistic_zh,
    t.value, t.published, t.without_dust_value, t.without_dust_published, t.limit_value, t.limit_edition, t.valid_days, t.days,
    100.0 * t.valid_days / t.days::float8 as completeness_percent, t.valid,
    case when t.valid then '足够' else '不足' end as valid_zh, t.settled_at
from lantian.rolling_statistic t
join screen.air_site s on s.site_id = t.site_id
join screen.pollutant p on p.key = t.pollutant;

grant select on screen.rolling to lantian_reader, lantian_app;
