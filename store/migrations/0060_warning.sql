-- Heavy-pollution warnings: what happened to each, and the state that follows from it. 重污染天气预警。
-- An event is the only way to change a warning: the trigger below looks the step up in `warning_transition`, applies it
-- and refuses every other one. No role but the owner may touch `warning` itself, and events are only added.

create table warning_transition (
    before text not null,
    action text not null,
    after text not null,
    primary key (before, action, after)
);
comment on table warning_transition is 'Legal steps of a warning, as in domain/warning_state.py 预警状态迁移表';
insert into warning_transition (before, action, after) values
    ('none', 'propose', 'proposed'),
    ('proposed', 'propose', 'proposed'),
    ('proposed', 'confirm', 'yellow'), ('proposed', 'confirm', 'orange'), ('proposed', 'confirm', 'red'),
    ('proposed', 'reject', 'rejected'), ('proposed', 'lapse', 'lapsed'),
    ('yellow', 'propose', 'yellow'), ('orange', 'propose', 'orange'), ('red', 'propose', 'red'),
    ('yellow', 'reject', 'yellow'), ('orange', 'reject', 'orange'), ('red', 'reject', 'red'),
    ('yellow', 'lapse', 'yellow'), ('orange', 'lapse', 'orange'), ('red', 'lapse', 'red'),
    ('yellow', 'upgrade', 'orange'), ('yellow', 'upgrade', 'red'), ('orange', 'upgrade', 'red'),
    ('red', 'downgrade', 'orange'), ('red', 'downgrade', 'yellow'), ('orange', 'downgrade', 'yellow'),
    ('yellow', 'extend', 'yellow'), ('orange', 'extend', 'orange'), ('red', 'extend', 'red'),
    ('yellow', 'lift', 'lifted'), ('orange', 'lift', 'lifted'), ('red', 'lift', 'lifted');

create table warning (
    id bigint generated always as identity primary key,
    area_id text not null references area,
    state text not null check (state in ('proposed', 'yellow', 'orange', 'red', 'lifted', 'rejected', 'lapsed')),
    proposed_level text check (proposed_level in ('none', 'yellow', 'orange', 'red')),
    highest_level text check (highest_level in ('yellow', 'orange', 'red')),
    rules text not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    opened_at timestamptz not null,
    issued_at timestamptz,
    changed_at timestamptz not null,
    closed_at timestamptz,
    check (starts_at < ends_at),
    check ((closed_at is not null) = (state in ('lifted', 'rejected', 'lapsed'))),
    check (state <> 'proposed' or proposed_level in ('yellow', 'orange', 'red')),
    check (state not in ('yellow', 'orange', 'red') or (issued_at is not null and proposed_level is distinct from state))
);
create unique index warning_open on warning (area_id) where closed_at is null;
create index warning_area on warning (area_id, opened_at desc);
comment on table warning is 'A warning of an area; one at a time is open 预警';
comment on column warning.state is 'proposed, the level in force, or how it ended 状态';
comment on column warning.proposed_level is 'Level that waits for a person''s word; none = to be lifted 建议等级';
comment on column warning.rules is 'Rule set of the last event 判定规则';
comment on column warning.starts_at is 'Expected period 预计起止时间';

create table warning_event (
    id bigint generated always as identity primary key,
    warning_id bigint not null references warning,
    area_id text not null references area,
    at timestamptz not null,
    action text not null,
    before text not null,
    after text not null,
    proposed_level text check (proposed_level in ('none', 'yellow', 'orange', 'red')),
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    rules text not null,
    by_whom text not null check (by_whom <> ''),
    why text not null check (why <> ''),
    evidence jsonb not null check (jsonb_typeof(evidence) = 'object'),
    recorded_at timestamptz not null default clock_timestamp(),
    check ((action = 'propose') = (proposed_level is not null)),
    foreign key (before, action, after) references warning_transition
);
create index warning_event_warning on warning_event (warning_id, id);
comment on table warning_event is 'What happened to warnings, only added 预警事件';
comment on column warning_event.at is 'When it took effect; recorded_at: when it was written 生效时间';
comment on column warning_event.evidence is 'Values, editions and forecast issue as known then 依据';

create function apply_warning_event() returns trigger
language plpgsql security definer set search_path = lantian, pg_temp as $$
declare
    found_warning warning;
begin
    -- Steps of one area take turns.
    perform from area where id = new.area_id for no key update;
    select * into found_warning from warning where area_id = new.area_id and closed_at is null;
    new.before := coalesce(found_warning.state, 'none');
    if not exists (
        select from warning_transition t where t.before = new.before and t.action = new.action and t.after = new.after
    ) then
        raise exception 'no step % from % to %', new.action, new.before, new.after
            using errcode = 'check_violation', constraint = 'warning_transition';
    end if;
    if new.before = 'none' then
        insert into warning (area_id, state, proposed_level, rules, starts_at, ends_at, opened_at, changed_at)
        values (new.area_id, new.after, new.proposed_level, new.rules, new.starts_at, new.ends_at, new.at, new.at)
        returning id into new.warning_id;
        return new;
    end if;
    if new.at < found_warning.changed_at then
        raise exception 'event at % before the last one at %', new.at, found_warning.changed_at
            using errcode = 'check_violation', constraint = 'warning_event_order';
    end if;
    if new.action = 'confirm' and new.after is distinct from found_warning.proposed_level then
        raise exception 'confirmed %, but % is proposed', new.after, found_warning.proposed_level
            using errcode = 'check_violation', constraint = 'warning_confirmed_level';
    end if;
    if new.before <> 'proposed' and new.action in ('reject', 'lapse') and found_warning.proposed_level is null then
        raise exception 'nothing is proposed'
            using errcode = 'check_violation', constraint = 'warning_nothing_proposed';
    end if;
    new.warning_id := found_warning.id;
    update warning set
        state = new.after,
        proposed_level = case new.action when 'propose' then new.proposed_level
            when 'extend' then found_warning.proposed_level end,
        highest_level = case
            when new.after not in ('yellow', 'orange', 'red') then found_warning.highest_level
            when 'red' in (new.after, found_warning.highest_level) then 'red'
            when 'orange' in (new.after, found_warning.highest_level) then 'orange' else 'yellow' end,
        rules = new.rules, changed_at = new.at,
        starts_at = case when new.action in ('reject', 'lapse', 'lift') or (new.action = 'propose' and new.before <> 'proposed')
            then found_warning.starts_at else new.starts_at end,
        ends_at = case when new.action in ('reject', 'lapse', 'lift') or (new.action = 'propose' and new.before <> 'proposed')
            then found_warning.ends_at else new.ends_at end,
        issued_at = coalesce(found_warning.issued_at, case when new.action = 'confirm' then new.at end),
        closed_at = case when new.after in ('lifted', 'rejected', 'lapsed') then new.at end
    where id = found_warning.id;
    return new;
end
$$;
create trigger warning_event_apply before insert on warning_event for each row execute function apply_warning_event();

create table external_order (
    id bigint generated always as identity primary key,
    area_id text not null references area,
    authority text not null check (authority in ('province', 'city')),
    issuer_zh text not null check (issuer_zh <> ''),
    document text not null check (document <> ''),
    minimum_level text not null check (minimum_level in ('yellow', 'orange', 'red')),
    valid_from timestamptz not null,
    valid_to timestamptz check (valid_to > valid_from),
    entered_by text not null check (entered_by <> ''),
    entered_at timestamptz not null,
    note text
);
create index external_order_area on external_order (area_id, valid_from);
comment on table external_order is 'Minimum level that province or city impose, only added 上级预警指令';
comment on column external_order.valid_to is 'null = until it is revoked 有效期止';

create table external_order_revocation (
    external_order_id bigint primary key references external_order,
    at timestamptz not null,
    by_whom text not null check (by_whom <> ''),
    why text not null check (why <> '')
);
comment on table external_order_revocation is 'When and why an external order ended early 上级指令撤销';

create table warning_exclusion (
    id bigint generated always as identity primary key,
    area_id text not null references area,
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at > starts_at),
    cause text not null check (cause in ('dust', 'wildfire', 'transport')),
    entered_by text not null check (entered_by <> ''),
    entered_at timestamptz not null,
    note text
);
create index warning_exclusion_area on warning_exclusion (area_id, starts_at);
comment on table warning_exclusion is 'Dust and the like, seen or expected, which are not warned of by colour 沙尘等不预警时段';

grant select on warning_transition, warning to lantian_app;
grant select, insert on warning_event, external_order, external_order_revocation, warning_exclusion to lantian_app;
