-- Targets of the plan, their actuals, and reference tables loaded from the standards' data. 目标、实绩与参照表。

create table target (
    id text not null,
    area_id text not null references area,
    clause text not null,
    indicator_zh text not null,
    indicator_en text not null,
    comparator text not null check (comparator in ('<=', '<', '>=', '>')),
    value double precision not null,
    unit text not null,
    averaging text not null,
    due_on date,
    due_text text not null,
    recurs text check (recurs in ('month', 'quarter')),
    period text not null check (period in ('year', 'quarter', 'month', 'date', 'batch')),
    actual_kind text not null check (actual_kind in ('measured', 'registry', 'reported')),
    actual_text text not null default '',
    pollutant text,
    statistic text check (statistic in ('mean', 'p90', 'p95', 'p98', 'transmission')),
    registry_count text,
    responsible_zh text not null,
    position int not null,
    primary key (area_id, id),
    check ((due_on is null) = (recurs is not null)),
    check ((actual_kind = 'measured') = (statistic is not null)),
    check ((actual_kind = 'registry') = (registry_count is not null))
);
comment on table target is 'Indicators of the plan 目标指标';
comment on column target.actual_kind is 'How the actual is obtained: measured, registry or reported 实绩来源';
comment on column target.statistic is 'As in period_statistic; transmission = share of due hours received and valid 统计量';
comment on column target.registry_count is 'Which count of the registry answers 登记统计项';

create table target_report (
    id bigint generated always as identity primary key,
    area_id text not null,
    target_id text not null,
    as_of date not null,
    value double precision not null,
    reported_by text not null check (reported_by <> ''),
    note text,
    reported_at timestamptz not null default now(),
    foreign key (area_id, target_id) references target (area_id, id)
);
create index target_report_target on target_report (area_id, target_id, as_of desc, id desc);
comment on table target_report is 'Figures entered by operators; append-only, the newest counts 填报实绩';

create table target_actual (
    area_id text not null,
    target_id text not null,
    period_start date not null,
    as_of date not null,
    value double precision,
    published double precision,
    status text not null check (status in ('met', 'missed', 'on_track', 'at_risk', 'no_data', 'awaiting_report')),
    valid_days int,
    remaining_days int,
    allowed_mean double precision,
    complete boolean not null,
    settled_at timestamptz not null default now(),
    primary key (area_id, target_id, period_start),
    foreign key (area_id, target_id) references target (area_id, id)
);
comment on table target_actual is 'Actual to date of each target and period 目标实绩';
comment on column target_actual.allowed_mean is 'Mean that the remaining days may have 剩余天数允许均值';

create table aqi_level (
    edition text not null,
    level smallint not null check (level between 1 and 6),
    level_zh text not null,
    category_zh text not null,
    colour_zh text not null,
    hex text not null,
    aqi_low smallint not null,
    aqi_high smallint not null,
    effect_zh text not null,
    advice_zh text not null,
    clause text not null,
    primary key (edition, level)
);
comment on table aqi_level is 'The six levels of the index (HJ 633) 空气质量级别';

create table limit_value (
    edition text not null,
    area_class smallint not null,
    pollutant text not null,
    averaging text not null,
    value double precision not null,
    unit text not null,
    valid_from date not null,
    valid_to date,
    clause text not null,
    primary key (edition, area_class, pollutant, averaging)
);
comment on table limit_value is 'Dated limits of GB 3095 浓度限值';

create table pollutant (
    key text primary key,
    symbol text not null,
    name_zh text not null,
    unit text not null,
    decimals smallint not null,
    position smallint not null
);
comment on table pollutant is 'The six pollutants 六项污染物';

create table time_window (
    area_id text not null references area,
    id text not null,
    clause text not null,
    what_zh text not null,
    what_en text not null,
    months text not null,
    hours_local text not null,
    weather_condition text not null,
    kind text not null check (kind in ('do', 'forbid', 'avoid')),
    no_rain boolean not null,
    humidity_max double precision,
    clear_sky boolean not null,
    primary key (area_id, id)
);
comment on table time_window is 'Hours of certain months in which the plan asks to do, avoid or forbid something 时段管控';
comment on column time_window.months is 'MM-DD..MM-DD, both inside 起止日期';
comment on column time_window.hours_local is 'HH:MM-HH:MM, the end outside 起止时刻';

create table reason (
    code text primary key,
    name_zh text not null
);
comment on table reason is 'Why a message is rejected 拒收原因';
