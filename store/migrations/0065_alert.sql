-- Alerts: rules that people may change, what they found, and everything that was done about it. 告警。
-- State of an alert = the sum of its events: whoever adds an event moves the alert, nobody moves it otherwise.

create table alert_rule (
    kind text not null check (kind ~ '^[a-z][a-z0-9_]{1,62}$'),
    version int not null check (version > 0),
    title_zh text not null check (title_zh <> ''),
    enabled boolean not null,
    measure text,
    comparator text check (comparator in ('>=', '<=')),
    threshold double precision,
    clear_threshold double precision,
    unit text not null default '',
    hold_s int not null default 0 check (hold_s >= 0),
    clear_hold_s int not null default 0 check (clear_hold_s >= 0),
    severity smallint not null check (severity between 1 and 4),
    tells text[] not null check (tells <@ '{operator,enterprise}'),
    tells_clear boolean not null default false,
    respond_min int check (respond_min > 0),
    clause text not null default '',
    changed_by text not null check (changed_by <> ''),
    changed_at timestamptz not null default clock_timestamp(),
    why text not null,
    primary key (kind, version),
    check ((measure is null) = (comparator is null)),
    check ((comparator is null) = (threshold is null)),
    check ((threshold is null) = (clear_threshold is null)),
    check (case comparator when '>=' then clear_threshold <= threshold when '<=' then clear_threshold >= threshold
        else true end)
);
comment on table alert_rule is 'When a kind of alert is raised, how grave it is, who is told; rows are only added 告警规则';
comment on column alert_rule.clear_threshold is 'Beyond it the alert ends: between both it stays as it is (hysteresis) 解除阈值';
comment on column alert_rule.hold_s is 'How long the condition must hold before it counts 持续时间（秒）';
comment on column alert_rule.respond_min is 'Minutes to answer; null = as the severity says 回执时限（分钟）';

create table alert_condition (
    kind text not null,
    source_kind text not null,
    source_id text not null,
    met boolean not null,
    since timestamptz not null,
    primary key (kind, source_kind, source_id)
);
comment on table alert_condition is 'Conditions that hold but not long enough yet: met = towards an alert, else towards its end 待确认条件';

create table alert (
    id bigint generated always as identity primary key,
    kind text not null check (kind <> ''),
    source_kind text not null check (source_kind <> ''),
    source_id text not null check (source_id <> ''),
    area_id text references area,
    enterprise_id text references enterprise,
    severity smallint not null check (severity between 1 and 4),
    subject_zh text not null check (subject_zh <> ''),
    body_zh text not null,
    evidence jsonb not null default '{}',
    raised_at timestamptz not null,
    state text not null default 'open' check (state in ('open', 'acknowledged', 'cleared', 'closed')),
    assigned_to text,
    acknowledged_at timestamptz,
    acknowledged_by text,
    cleared_at timestamptz,
    closed_at timestamptz,
    closed_by text,
    last_at timestamptz not null default clock_timestamp(),
    repeats int not null default 0
);
create unique index alert_one_active on alert (kind, source_kind, source_id) where state in ('open', 'acknowledged');
create index alert_raised on alert (raised_at);
create index alert_enterprise on alert (enterprise_id, raised_at) where enterprise_id is not null;
comment on table alert is 'Something that somebody must see; at most one active per source and kind 告警';
comment on column alert.evidence is 'Values as known when it was raised; later ones are in the events 依据';
comment on column alert.state is 'open, acknowledged: active; cleared: the condition ended; closed: done with 状态';

create table alert_transition (
    action text not null,
    state_before text not null,
    state_after text not null,
    primary key (action, state_before)
);
comment on table alert_transition is 'What may be done to an alert in which state, and the state afterwards 状态转换';
insert into alert_transition values
    ('raise', 'open', 'open'),
    ('repeat', 'open', 'open'), ('repeat', 'acknowledged', 'acknowledged'),
    ('acknowledge', 'open', 'acknowledged'),
    ('clear', 'open', 'cleared'), ('clear', 'acknowledged', 'cleared'),
    ('close', 'open', 'closed'), ('close', 'acknowledged', 'closed'), ('close', 'cleared', 'closed'),
    ('assign', 'open', 'open'), ('assign', 'acknowledged', 'acknowledged'), ('assign', 'cleared', 'cleared'),
    ('mute', 'open', 'open'), ('mute', 'acknowledged', 'acknowledged'),
    ('announce', 'open', 'open'), ('announce', 'acknowledged', 'acknowledged'),
    ('escalate', 'open', 'open'), ('escalate', 'acknowledged', 'acknowledged'), ('escalate', 'cleared', 'cleared'),
    ('answer', 'open', 'open'), ('answer', 'acknowledged', 'acknowledged'), ('answer', 'cleared', 'cleared'),
    ('answer', 'closed', 'closed'),
    ('comment', 'open', 'open'), ('comment', 'acknowledged', 'acknowledged'), ('comment', 'cleared', 'cleared'),
    ('comment', 'closed', 'closed');

create table alert_event (
    id bigint generated always as identity primary key,
    alert_id bigint not null references alert,
    action text not null,
    at timestamptz not null,
    by text not null check (by <> ''),
    comment text,
    detail jsonb not null default '{}',
    state_before text not null,
    state_after text not null
);
create index alert_event_alert on alert_event (alert_id, id);
comment on table alert_event is 'Everything that happened to an alert; rows are only added 告警过程';

create function move_alert() returns trigger
language plpgsql security definer set search_path = lantian, pg_temp as $$
declare
    found_state text;
    next_state text;
begin
    select a.state into found_state from alert a where a.id = new.alert_id for update;
    select t.state_after into next_state from alert_transition t
    where t.action = new.action and t.state_before = found_state;
    if next_state is null then
        raise exception using errcode = 'check_violation', constraint = 'alert_transition_legal',
            message = case when found_state is null then format('there is no alert %s', new.alert_id)
                else format('alert %s is %s, which does not allow: %s', new.alert_id, found_state, new.action) end;
    end if;
    new.state_before := found_state;
    new.state_after := next_state;
    update alert a set state = next_state, last_at = greatest(a.last_at, new.at),
        repeats = a.repeats + (new.action = 'repeat')::int,
        assigned_to = case new.action when 'assign' then new.detail ->> 'to' else a.assigned_to end,
        acknowledged_at = case new.action when 'acknowledge' then new.at else a.acknowledged_at end,
        acknowledged_by = case new.action when 'acknowledge' then new."by" else a.acknowledged_by end,
        cleared_at = case new.action when 'clear' then new.at else a.cleared_at end,
        closed_at = case new.action when 'close' then new.at else a.closed_at end,
        closed_by = case new.action when 'close' then new."by" else a.closed_by end
    where a.id = new.alert_id;
    return new;
end
$$;
create trigger move_alert before insert on alert_event for each row execute function move_alert();

create table mute (
    id bigint generated always as identity primary key,
    kind text not null check (kind <> ''),
    source_kind text,
    source_id text,
    muted_by text not null check (muted_by <> ''),
    muted_at timestamptz not null,
    until timestamptz not null,
    reason text not null check (reason <> ''),
    ended_at timestamptz,
    ended_by text,
    check (until > muted_at),
    check ((source_kind is null) = (source_id is null)),
    check ((ended_at is null) = (ended_by is null))
);
create index mute_kind on mute (kind, until);
comment on table mute is 'Alerts of a kind (of one source, or of all) that nobody is told of until a moment 告警静默';

grant select on alert_rule, alert_condition, alert, alert_transition, alert_event, mute to lantian_app;
grant insert on alert_rule, mute to lantian_app;
-- An alert begins open; only its events move it.
grant insert (kind, source_kind, source_id, area_id, enterprise_id, severity, subject_zh, body_zh, evidence, raised_at)
    on alert to lantian_app;
grant insert (alert_id, action, at, by, comment, detail) on alert_event to lantian_app;
grant update (ended_at, ended_by) on mute to lantian_app;
grant insert, update, delete on alert_condition to lantian_app;

create view screen.alert_rule as
select distinct on (r.kind) r.kind, r.version, r.title_zh, r.enabled, r.measure, r.comparator, r.threshold,
    r.clear_threshold, r.unit, r.hold_s, r.clear_hold_s, r.severity, r.tells, r.tells_clear, r.respond_min, r.clause,
    r.changed_by, r.changed_at, r.why
from lantian.alert_rule r
order by r.kind, r.version desc;

create function screen.severity_zh(severity smallint) returns text
language sql immutable parallel safe
return case severity when 1 then '提示' when 2 then '一般' when 3 then '重要' when 4 then '紧急' end;

grant execute on function screen.severity_zh(smallint) to lantian_reader, lantian_app, lantian_writer;

create view screen.alert_now as
select a.id as alert_id, a.kind, coalesce(r.title_zh, a.kind) as kind_zh, a.source_kind, a.source_id,
    coalesce(s.name_zh, ds.name_zh, e.name_zh, a.source_id) as source_zh, a.area_id, a.enterprise_id,
    e.name_zh as enterprise_zh, a.severity, screen.severity_zh(a.severity) as severity_zh, a.subject_zh, a.body_zh,
    a.evidence, a.state,
    case a.state when 'open' then '待处理' when 'acknowledged' then '处理中' when 'cleared' then '已恢复'
        when 'closed' then '已关闭' end as state_zh,
    a.raised_at, a.acknowledged_at, a.acknowledged_by, a.assigned_to, a.cleared_at, a.closed_at, a.closed_by,
    a.last_at, a.repeats, m.until as muted_until, m.reason as mute_reason
from lantian.alert a
left join screen.alert_rule r on r.kind = a.kind
left join lantian.enterprise e on e.id = a.enterprise_id
left join lantian.site s on a.source_kind = 'site' and s.id = a.source_id
left join lantian.device d on a.source_kind = 'device' and d.id = a.source_id
left join lantian.site ds on ds.id = d.site_id
left join lateral (
    select x.until, x.reason from lantian.mute x
    where x.kind = a.kind and (x.source_kind is null or (x.source_kind, x.source_id) = (a.source_kind, a.source_id))
        and x.ended_at is null and x.until > now()
    order by x.until desc limit 1
) m on true;
comment on view screen.alert_now is 'Every alert as it stands; closed ones too 告警';

create view screen.alert_event as
select v.id as event_id, v.alert_id, a.kind, a.area_id, a.enterprise_id, v.action,
    case v.action when 'raise' then '产生' when 'repeat' then '持续' when 'acknowledge' then '确认' when 'clear' then '恢复'
        when 'close' then '关闭' when 'assign' then '指派' when 'mute' then '静默' when 'announce' then '通知'
        when 'escalate' then '升级' when 'answer' then '企业回执' when 'comment' then '备注' end as action_zh,
    v.at, v.by, v.comment, v.detail, v.state_before, v.state_after
from lantian.alert_event v
join lantian.alert a on a.id = v.alert_id;

grant select on screen.alert_rule, screen.alert_now, screen.alert_event to lantian_reader, lantian_app;
