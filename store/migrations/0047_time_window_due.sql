-- What the time windows of the plan asked for, hour by hour, with the reason; rain and sky by the factors that say so. 时段管控判定。

create table weather_factor (
    factor text primary key check (factor <> ''),
    quantity text not null check (quantity in ('rain_mm', 'cloud_percent')),
    scale double precision not null check (scale > 0),
    name_zh text not null,
    clear_to double precision,
    note text not null default '',
    check ((quantity = 'cloud_percent') = (clear_to is not null))
);
comment on table weather_factor is 'Factors of factor_reading that tell rain and sky; instruments differ, so the rows are edited 天气因子';
comment on column weather_factor.scale is 'Times the value gives mm, or percent of the sky 换算系数';
comment on column weather_factor.clear_to is 'Cloud in percent up to which the sky counts as clear 晴天云量上限';
insert into weather_factor (factor, quantity, scale, name_zh, clear_to, note) values
    ('rain', 'rain_mm', 1, '降水量', null, 'mm within the span of the reading'),
    ('cloud', 'cloud_percent', 1, '总云量', 30, 'clear up to three tenths, from memory: editable');

create table time_window_due (
    area_id text not null,
    window_id text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    state text not null check (state in ('in_force', 'not_met', 'undetermined')),
    reason_zh text not null check (reason_zh <> ''),
    settled_at timestamptz not null default now(),
    primary key (area_id, window_id, starts_at),
    foreign key (area_id, window_id) references time_window (area_id, id),
    check (starts_at < ends_at)
);
create index time_window_due_time on time_window_due (starts_at);
comment on table time_window_due is 'Consecutive hours of a time window in one state for one reason 时段管控判定结果';
comment on column time_window_due.state is 'undetermined: a condition was not measured and none is known to fail 判定状态';

grant select, insert, update on weather_factor to lantian_app;
grant select, insert, delete on time_window_due to lantian_app;

create view screen.time_window_due as
select d.area_id, a.name_zh as area_zh, d.window_id, w.clause, w.kind,
    case w.kind when 'do' then '应执行' when 'forbid' then '禁止' else '应避开' end as kind_zh,
    w.what_zh, d.starts_at, d.ends_at, screen.local_day(d.starts_at) as day, d.state,
    case d.state when 'in_force' then '生效' when 'not_met' then '条件不满足' else '无法判定' end as state_zh,
    d.reason_zh, now() >= d.starts_at and now() < d.ends_at as is_now, d.settled_at
from lantian.time_window_due d
join lantian.time_window w on w.area_id = d.area_id and w.id = d.window_id
join lantian.area a on a.id = d.area_id;

grant select on screen.time_window_due to lantian_reader, lantian_app;
