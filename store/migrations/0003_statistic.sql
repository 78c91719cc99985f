-- Statistics: ordinary tables that the settler writes; null = not valid by the standards' rules. 统计结果。
-- Each row names the edition that judged it. The rows of an area are those of its pseudo-site of the same id.

create table air_hour (
    site_id text not null,
    hour timestamptz not null check (date_trunc('hour', hour, 'UTC') = hour),
    pm25 double precision,
    pm10 double precision,
    so2 double precision,
    no2 double precision,
    co double precision,
    o3 double precision,
    tsp double precision,
    temperature double precision,
    humidity double precision,
    pressure double precision,
    wind_speed double precision,
    wind_direction double precision,
    minutes smallint[] not null check (cardinality(minutes) = 12),
    flag text not null check (length(flag) = 12),
    iaqi_pm25 smallint check (iaqi_pm25 between 0 and 500),
    iaqi_pm10 smallint check (iaqi_pm10 between 0 and 500),
    iaqi_so2 smallint check (iaqi_so2 between 0 and 500),
    iaqi_no2 smallint check (iaqi_no2 between 0 and 500),
    iaqi_co smallint check (iaqi_co between 0 and 500),
    iaqi_o3 smallint check (iaqi_o3 between 0 and 500),
    aqi smallint check (aqi between 0 and 500),
    aqi_available smallint check (aqi_available between 0 and 500),
    level smallint check (level between 1 and 6),
    primary_pollutants text[] not null default '{}',
    edition text not null,
    settled_at timestamptz not null default now(),
    primary key (site_id, hour)
);
create index air_hour_hour on air_hour (hour);
comment on table air_hour is 'Hourly means and hourly indices of a site 小时值';
comment on column air_hour.hour is 'Start of the hour 小时起点';
comment on column air_hour.minutes is 'Minutes each value rests on, in column order 有效分钟数';
comment on column air_hour.aqi is 'Published index: null where the edition''s publication rule asks for what is missing 发布AQI';
comment on column air_hour.aqi_available is 'Largest index of what is there 现有分指数最大值';

create table air_day (
    site_id text not null,
    day date not null,
    pm25 double precision,
    pm10 double precision,
    so2 double precision,
    no2 double precision,
    co double precision,
    o3_8h double precision,
    o3_1h double precision,
    hours smallint[] not null check (cardinality(hours) = 6),
    o3_windows smallint not null default 0,
    iaqi_pm25 smallint check (iaqi_pm25 between 0 and 500),
    iaqi_pm10 smallint check (iaqi_pm10 between 0 and 500),
    iaqi_so2 smallint check (iaqi_so2 between 0 and 500),
    iaqi_no2 smallint check (iaqi_no2 between 0 and 500),
    iaqi_co smallint check (iaqi_co between 0 and 500),
    iaqi_o3_8h smallint check (iaqi_o3_8h between 0 and 500),
    iaqi_o3_1h smallint check (iaqi_o3_1h between 0 and 500),
    aqi smallint check (aqi between 0 and 500),
    aqi_available smallint check (aqi_available between 0 and 500),
    level smallint check (level between 1 and 6),
    primary_pollutants text[] not null default '{}',
    edition text not null,
    settled_at timestamptz not null default now(),
    primary key (site_id, day)
);
create index air_day_day on air_day (day);
comment on table air_day is 'Daily values and daily indices of a site 日值';
comment on column air_day.day is 'Natural day in Beijing time 自然日';
comment on column air_day.hours is 'Valid hours of pm25 pm10 so2 no2 co o3 有效小时数';
comment on column air_day.o3_windows is 'Valid 8-hour windows of ozone 臭氧有效8小时窗口数';

create table period_statistic (
    site_id text not null,
    kind text not null check (kind in ('month', 'quarter', 'year')),
    start date not null,
    pollutant text not null,
    statistic text not null check (statistic in ('mean', 'p90', 'p95', 'p98')),
    value double precision,
    published double precision,
    valid_days int not null,
    days int not null,
    valid boolean not null,
    limit_value double precision,
    limit_edition text not null,
    complies boolean,
    settled_at timestamptz not null default now(),
    primary key (site_id, kind, start, pollutant, statistic)
);
comment on table period_statistic is 'Means and percentiles of daily values over a month, quarter or year 时段统计';
comment on column period_statistic.value is 'Unrounded 未修约值';
comment on column period_statistic.published is 'Rounded as published 修约值';

create table period_summary (
    site_id text not null,
    kind text not null check (kind in ('month', 'quarter', 'year')),
    start date not null,
    valid_days int not null,
    days int not null,
    days_by_level smallint[] not null check (cardinality(days_by_level) = 6),
    good_days int not null,
    good_day_ratio double precision,
    primary_days jsonb not null default '{}',
    complies boolean,
    limit_edition text not null,
    aqi_edition text not null,
    settled_at timestamptz not null default now(),
    primary key (site_id, kind, start)
);
comment on table period_summary is 'Days by level and overall compliance over a month, quarter or year 时段汇总';
comment on column period_summary.primary_days is 'Days on which each pollutant was primary 首要污染物天数';
