-- Orders to enterprises during a warning, whether they were carried out hour by hour, and inspections. 减排指令与核验。

create table reduction_order (
    id bigint generated always as identity primary key,
    area_id text not null references area,
    warning_id bigint not null references warning,
    warning_event_id bigint not null references warning_event,
    enterprise_id text not null references enterprise,
    enterprise_zh text not null,
    grade text,
    own_plan boolean not null,
    level text not null check (level in ('yellow', 'orange', 'red')),
    issued_at timestamptz not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > starts_at),
    notice_id bigint,
    ended_at timestamptz check (ended_at >= issued_at),
    ended_event_id bigint references warning_event,
    check ((ended_at is null) = (ended_event_id is null)),
    unique (warning_event_id, enterprise_id)
);
create unique index reduction_order_open on reduction_order (enterprise_id) where ended_at is null;
create index reduction_order_warning on reduction_order (warning_id);
comment on table reduction_order is 'What an enterprise is ordered to do during a warning 减排指令';
comment on column reduction_order.own_plan is 'Judged on its own declared measures, by the grade rules 自主减排';
comment on column reduction_order.ends_at is 'Expected end; ended_at = replaced by another level or lifted 预计结束时间';
comment on column reduction_order.notice_id is 'Its notice; acknowledgements belong to that 通知';

create table order_measure (
    id bigint generated always as identity primary key,
    order_id bigint not null references reduction_order,
    measure_id text not null,
    measure_version int not null,
    line_id text,
    line_zh text,
    process text,
    kind text not null check (kind in ('stop', 'limit', 'process', 'transport', 'self')),
    limit_percent double precision check (limit_percent between 0 and 100),
    stage text,
    reduction_percent double precision check (reduction_percent between 0 and 100),
    detail text not null,
    unique (order_id, measure_id)
);
comment on table order_measure is 'Measures of an order as the list stood when it was issued 指令措施（下达时快照）';

create table order_verification (
    order_measure_id bigint not null references order_measure,
    hour timestamptz not null check (date_trunc('hour', hour, 'UTC') = hour),
    verdict text not null check (verdict in ('fulfilled', 'suspected', 'undetermined')),
    reason text not null,
    power_kw double precision,
    baseline_kw double precision,
    allowed_kw double precision,
    suspected_above_kw double precision,
    treatment_kw double precision,
    flow double precision,
    baseline_flow double precision,
    vehicles double precision,
    settled_at timestamptz not null default now(),
    primary key (order_measure_id, hour)
);
comment on table order_verification is 'Verdict on each ordered measure and hour with what it rests on 指令执行核验';
comment on column order_verification.reason is 'As in analytics/verification.py 判定理由';

create table order_inspection (
    id bigint generated always as identity primary key,
    order_id bigint not null references reduction_order,
    order_measure_id bigint references order_measure,
    inspected_at timestamptz not null,
    inspected_by text not null check (inspected_by <> ''),
    result text not null check (result in ('violation', 'no_violation', 'inconclusive')),
    note text not null,
    recorded_at timestamptz not null default clock_timestamp()
);
create index order_inspection_order on order_inspection (order_id);
comment on table order_inspection is 'What people found on the spot, only added 现场核查结果';

grant select, insert on reduction_order, order_measure, order_inspection to lantian_app;
grant update (notice_id, ended_at, ended_event_id) on reduction_order to lantian_app;
grant select, insert, update, delete on order_verification to lantian_app;

-- words -----------------------------------------------------------------------------------------------------------------

create function screen.warning_level_zh(level text) returns text
language sql immutable parallel safe
return case level when 'none' then '无预警' when 'yellow' then '黄色预警' when 'orange' then '橙色预警'
    when 'red' then '红色预警' end;

create function screen.warning_state_zh(state text) returns text
language sql immutable parallel safe
return case state when 'none' then '无预警' when 'proposed' then '待确认' when 'lifted' then '已解除'
    when 'rejected' then '未采纳' when 'lapsed' then '已失效' else screen.warning_level_zh(state) end;

create function screen.verdict_zh(verdict text) returns text
language sql immutable parallel safe
return case verdict when 'fulfilled' then '已落实' when 'suspected' then '涉嫌未落实' when 'undetermined' then '无法判定' end;

create function screen.measure_kind_zh(kind text) returns text
language sql immutable parallel safe
return case kind when 'stop' then '停产' when 'limit' then '限产' when 'process' then '工艺调整'
    when 'transport' then '运输管控' when 'self' then '自主减排' end;

-- warnings --------------------------------------------------------------------------------------------------------------

-- One row per area, also when there is no warning.
create view screen.warning_now as
select a.id as area_id, a.name_zh as area_zh, w.id as warning_id, coalesce(w.state, 'none') as state,
    screen.warning_state_zh(coalesce(w.state, 'none')) as state_zh,
    case when w.state in ('yellow', 'orange', 'red') then w.state else 'none' end as level,
    screen.warning_level_zh(case when w.state in ('yellow', 'orange', 'red') then w.state else 'none' end) as level_zh,
    w.proposed_level, screen.warning_level_zh(w.proposed_level) as proposed_level_zh,
    case when w.state in ('yellow', 'orange', 'red') then array_position(array['yellow', 'orange', 'red'], w.state) else 0 end
        as rank,
    w.starts_at, w.ends_at, w.opened_at, w.issued_at, w.changed_at, w.rules
from lantian.area a
left join lantian.warning w on w.area_id = a.id and w.closed_at is null;

create view screen.warning_event as
select e.id as event_id, e.warning_id, e.area_id, e.at, e.action,
    case e.action when 'propose' then '提出建议' when 'confirm' then '启动' when 'reject' then '不采纳' when 'lapse' then '建议失效'
        when 'upgrade' then '升级' when 'downgrade' then '降级' when 'extend' then '调整时段' when 'lift' then '解除' end as action_zh,
    e.before, screen.warning_state_zh(e.before) as before_zh, e.after, screen.warning_state_zh(e.after) as after_zh,
    e.proposed_level, screen.warning_level_zh(e.proposed_level) as proposed_level_zh, e.starts_at, e.ends_at, e.rules,
    e.by_whom, e.why, e.evidence, e.recorded_at
from lantian.warning_event e;

-- orders ----------------------------------------------------------------------------------------------------------------

create view screen.order_verification as
select v.order_measure_id, m.order_id, o.area_id, o.warning_id, o.enterprise_id, o.enterprise_zh, m.line_id, m.line_zh,
    m.kind, screen.measure_kind_zh(m.kind) as kind_zh, v.hour, v.verdict, screen.verdict_zh(v.verdict) as verdict_zh,
    v.reason, v.power_kw, v.baseline_kw, v.allowed_kw, v.suspected_above_kw, v.treatment_kw, v.flow, v.baseline_flow,
    v.vehicles, v.settled_at
from lantian.order_verification v
join lantian.order_measure m on m.id = v.order_measure_id
join lantian.reduction_order o on o.id = m.order_id;

create view screen.order_measure as
select m.id as order_measure_id, m.order_id, o.enterprise_id, m.measure_id, m.line_id, m.line_zh, m.process, m.kind,
    screen.measure_kind_zh(m.kind) as kind_zh, m.limit_percent, m.stage, m.reduction_percent, m.detail,
    c.fulfilled, c.suspected, c.undetermined
from lantian.order_measure m
join lantian.reduction_order o on o.id = m.order_id
cross join lateral (
    select count(*) filter (where v.verdict = 'fulfilled')::integer as fulfilled,
        count(*) filter (where v.verdict = 'suspected')::integer as suspected,
        count(*) filter (where v.verdict = 'undetermined')::integer as undetermined
    from lantian.order_verification v where v.order_measure_id = m.id
) c;

-- Every order with how it stands; `open` ones are in force or about to be.
create view screen.order_now as
select o.id as order_id, o.area_id, o.warning_id, o.warning_event_id, o.enterprise_id, o.enterprise_zh, o.grade,
    o.own_plan, o.level, screen.warning_level_zh(o.level) as level_zh, o.issued_at, o.starts_at, o.ends_at, o.notice_id,
    o.ended_at, o.ended_at is null as open, c.measures, c.fulfilled, c.suspected, c.undetermined,
    i.inspections, i.result as inspection_result
from lantian.reduction_order o
cross join lateral (
    select count(*)::integer as measures, coalesce(sum(m.fulfilled), 0)::integer as fulfilled,
        coalesce(sum(m.suspected), 0)::integer as suspected, coalesce(sum(m.undetermined), 0)::integer as undetermined
    from screen.order_measure m where m.order_id = o.id
) c
cross join lateral (
    select count(*)::integer as inspections, (array_agg(x.result order by x.id desc))[1] as result
    from lantian.order_inspection x where x.order_id = o.id
) i;

-- Warnings that were issued, from the first level to the lift, with what became of the orders.
create view screen.episode as
select w.id as warning_id, w.area_id, a.name_zh as area_zh, w.state, screen.warning_state_zh(w.state) as state_zh,
    w.highest_level, screen.warning_level_zh(w.highest_level) as highest_level_zh, w.starts_at, w.ends_at, w.issued_at,
    w.closed_at, extract(epoch from coalesce(w.closed_at, now()) - w.issued_at)::float8 / 3600 as hours,
    c.orders, c.enterprises, c.fulfilled, c.suspected, c.undetermined
from lantian.warning w
join lantian.area a on a.id = w.area_id
cross join lateral (
    select count(*)::integer as orders, count(distinct o.enterprise_id)::integer as enterprises,
        coalesce(sum(o.fulfilled), 0)::integer as fulfilled, coalesce(sum(o.suspected), 0)::integer as suspected,
        coalesce(sum(o.undetermined), 0)::integer as undetermined
    from screen.order_now o where o.warning_id = w.id
) c
where w.issued_at is not null;

grant execute on function screen.warning_level_zh(text), screen.warning_state_zh(text), screen.verdict_zh(text),
    screen.measure_kind_zh(text) to lantian_reader, lantian_app;
grant select on screen.warning_now, screen.warning_event, screen.order_verification, screen.order_measure,
    screen.order_now, screen.episode to lantian_reader, lantian_app;
