-- Quality tests that need more than the message itself: what they found, and the queue of hours to test. 质量控制结果。
-- Results are only added: of one reading or hour the newest row counts, so that what was known at a moment stays known.

create table dirty_quality (
    id bigint generated always as identity primary key,
    site_id text not null,
    hour timestamptz not null check (date_trunc('hour', hour, 'UTC') = hour),
    marked_at timestamptz not null default clock_timestamp(),
    unique (site_id, hour)
);
comment on table dirty_quality is 'Settled hours whose readings are to be tested 待质控小时';

create table device_hour (
    device_id text not null,
    hour timestamptz not null check (date_trunc('hour', hour, 'UTC') = hour),
    mean double precision[] not null check (cardinality(mean) = 12),
    low double precision[] not null check (cardinality(low) = 12),
    high double precision[] not null check (cardinality(high) = 12),
    minutes smallint[] not null check (cardinality(minutes) = 12),
    settled_at timestamptz not null default now(),
    primary key (device_id, hour)
);
create index device_hour_hour on device_hour (hour);
comment on table device_hour is 'Hours of each air device in column order, NaN = no usable value 设备小时值';
comment on column device_hour.mean is 'Mean of usable values, also with few minutes 均值';
comment on column device_hour.minutes is 'Minutes the mean rests on 有效分钟数';

create table quality_result (
    device_id text not null,
    time timestamptz not null,
    level text not null check (level in ('reading', 'hour')),
    span_s int not null,
    failed smallint[] not null check (cardinality(failed) = 12),
    flag text not null check (length(flag) = 12),
    screened_at timestamptz not null default clock_timestamp(),
    primary key (device_id, time, level, span_s, screened_at)
);
comment on table quality_result is 'What the tests found in a reading or an hour of an air device 质控结果';
comment on column quality_result.level is 'reading: of that time and span; hour: all readings that start in it 层级';
comment on column quality_result.failed is 'Mask of the failed tests per column (quality_test.bit) 未通过的检验';
comment on column quality_result.flag is 'Flag per column by these tests alone; 2 where none found anything 质量标识';
select create_hypertable('quality_result', by_range('time', interval '28 days'), create_default_indexes => false, if_not_exists => true);

create table quality_test (
    bit int primary key check (bit > 0),
    key text not null unique,
    level text not null,
    severity text not null check (severity in ('fail', 'suspect', 'note')),
    name_zh text not null,
    sentence_zh text not null,
    name text not null,
    sentence text not null
);
comment on table quality_test is 'The automatic tests and what they say 质控检验';

grant select on dirty_quality, device_hour, quality_result, quality_test to lantian_app;
grant insert, delete, update (marked_at) on dirty_quality to lantian_app;
grant insert, update, delete on device_hour to lantian_app;
grant insert on quality_result to lantian_app;
grant insert, update, delete on quality_test to lantian_app;

create view screen.quality_test as
select bit, key, name_zh, sentence_zh, case severity when 'fail' then '无效' when 'suspect' then '可疑' else '提示' end
    as severity_zh
from lantian.quality_test;

create function screen.quality_names_zh(failed integer) returns text
language sql stable parallel safe
begin atomic
    select string_agg(t.name_zh, '、' order by t.bit) from screen.quality_test t where t.bit & failed <> 0;
end;

create function screen.quality_reason_zh(failed integer) returns text
language sql stable parallel safe
begin atomic
    select string_agg(t.sentence_zh, '；' order by t.bit) || '。' from screen.quality_test t where t.bit & failed <> 0;
end;

-- One row per value with a finding. `time` of level hour is the start of the hour.
create view screen.quality_finding as
select q.device_id, d.site_id, s.name_zh as site_zh, s.area_id, s.kind, q.time, q.level, q.span_s,
    c.key as column_key, c.name_zh as column_zh, substr(q.flag, c.position::int, 1)::int as flag,
    case substr(q.flag, c.position::int, 1) when '3' then '可疑' when '4' then '无效' else '提示' end as flag_zh,
    q.failed[c.position]::int as failed, screen.quality_names_zh(q.failed[c.position]::int) as tests_zh,
    screen.quality_reason_zh(q.failed[c.position]::int) as reason_zh, q.screened_at
from (
    select distinct on (device_id, time, level, span_s) * from lantian.quality_result
    order by device_id, time, level, span_s, screened_at desc
) q
join lantian.device d on d.id = q.device_id
join lantian.site s on s.id = d.site_id
cross join unnest(
    array['pm25', 'pm10', 'so2', 'no2', 'co', 'o3', 'tsp', 'temperature', 'humidity', 'pressure', 'wind_speed',
        'wind_direction'],
    array['细颗粒物', '可吸入颗粒物', '二氧化硫', '二氧化氮', '一氧化碳', '臭氧', '总悬浮颗粒物', '气温', '相对湿度', '气压', '风速', '风向']
) with ordinality as c (key, name_zh, position)
where q.failed[c.position] <> 0;
comment on view screen.quality_finding is 'Values with findings, newest result, with the reason in Chinese 质控发现';

-- The same by hour: what was found in an hour of a device and column, over the last 30 days.
create view screen.quality_hour as
select f.device_id, f.site_id, f.site_zh, f.area_id, f.kind, f.hour, f.column_key, f.column_zh, f.readings, f.flag,
    case f.flag when 4 then '无效' when 3 then '可疑' else '提示' end as flag_zh, f.failed,
    screen.quality_names_zh(f.failed) as tests_zh, screen.quality_reason_zh(f.failed) as reason_zh
from (
    select device_id, site_id, site_zh, area_id, kind,
        date_bin('1 hour', time, timestamptz '1970-01-01 00:00+00') as hour, column_key, column_zh,
        count(*) filter (where level = 'reading') as readings, max(flag) as flag, bit_or(failed) as failed
    from screen.quality_finding
    where time >= now() - interval '30 days'
    group by device_id, site_id, site_zh, area_id, kind, 6, column_key, column_zh
) f;
comment on view screen.quality_hour is 'Findings of the last 30 days by hour, device and column 近30天质控发现（小时）';

grant select on screen.quality_test, screen.quality_finding, screen.quality_hour to lantian_reader, lantian_app;
grant execute on function screen.quality_names_zh, screen.quality_reason_zh to lantian_reader, lantian_app;
