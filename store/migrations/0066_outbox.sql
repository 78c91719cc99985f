-- Outbox: notices are born with their deliveries in the transaction of the decision; workers send them, receivers answer. 通知与回执。

create table contact (
    id text primary key check (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    area_id text references area,
    enterprise_id text references enterprise,
    name_zh text not null check (name_zh <> ''),
    step smallint not null default 1 check (step between 1 and 9),
    severity_floor smallint not null default 1 check (severity_floor between 1 and 4),
    kinds text[] check (kinds <> '{}'),
    opens_at time,
    closes_at time,
    note text,
    edited_at timestamptz,
    retired_at timestamptz,
    check (area_id is null or enterprise_id is null),
    check ((opens_at is null) = (closes_at is null)),
    check (opens_at <> closes_at)
);
create index contact_enterprise on contact (enterprise_id, step) where retired_at is null;
comment on table contact is 'Whom to tell: a person or system of an enterprise, or an operator (no enterprise) 联系人';
comment on column contact.area_id is 'Of an operator: only this area; null = every area 负责行政区';
comment on column contact.step is 'Position in the escalation chain: 1 is told first 升级次序';
comment on column contact.severity_floor is 'Told of this severity and above 最低等级';
comment on column contact.opens_at is 'Local hours in which it may be disturbed; the highest severity does not wait 可联系时段';

create table contact_channel (
    contact_id text not null references contact,
    channel text not null check (channel in ('mqtt', 'webhook', 'mail', 'robot', 'sms')),
    address text not null check (address <> ''),
    primary key (contact_id, channel, address)
);
comment on table contact_channel is 'How a contact is reached; the address is never a secret 联系方式';
comment on column contact_channel.address is
    'mqtt: id of the enterprise; webhook: URL; mail: address; robot: name of a gateway; sms: gateway and number 地址';

-- The next moment at which a contact may be disturbed; `opens` null = any time. Local time is UTC+8.
create function contact_due(opens time, closes time, moment timestamptz) returns timestamptz
language sql immutable parallel safe
return case
    when opens is null then moment
    when opens < closes and timezone(interval '8 hours', moment)::time >= opens
        and timezone(interval '8 hours', moment)::time < closes then moment
    when opens > closes and (timezone(interval '8 hours', moment)::time >= opens
        or timezone(interval '8 hours', moment)::time < closes) then moment
    else timezone(interval '8 hours', timezone(interval '8 hours', moment)::date + opens
        + case when timezone(interval '8 hours', moment)::time >= opens then interval '1 day' else interval '0' end)
end;

create table notice (
    id bigint generated always as identity primary key,
    kind text not null check (kind <> ''),
    reference text not null check (reference <> ''),
    area_id text references area,
    enterprise_id text references enterprise,
    severity smallint not null check (severity between 1 and 4),
    subject_zh text not null check (subject_zh <> ''),
    body_zh text not null,
    payload jsonb not null default '{}' check (jsonb_typeof(payload) = 'object'),
    created_at timestamptz not null,
    respond_by timestamptz
);
create index notice_reference on notice (reference);
create index notice_enterprise on notice (enterprise_id, created_at);
create index notice_respond on notice (respond_by) where respond_by is not null;
comment on table notice is 'One thing said to one enterprise or to the operators; never changed 通知';
comment on column notice.reference is 'What it is about, such as alert:12 事由';

create table delivery (
    id bigint generated always as identity primary key,
    notice_id bigint not null references notice,
    contact_id text not null references contact,
    channel text not null,
    address text not null,
    step smallint not null,
    severity smallint not null,
    state text not null default 'waiting' check (state in ('waiting', 'sending', 'sent', 'dead')),
    due_at timestamptz not null,
    created_at timestamptz not null,
    message_key uuid,
    attempts int not null default 0,
    claimed_at timestamptz,
    leased_until timestamptz,
    leased_by text,
    sent_at timestamptz,
    error text,
    unique (notice_id, contact_id, channel, address),
    check ((state = 'sending') = (leased_until is not null)),
    check ((state = 'sent') = (sent_at is not null)),
    check (state = 'waiting' or message_key is not null)
);
create index delivery_due on delivery (severity desc, due_at, id) where state in ('waiting', 'sending');
create index delivery_recent on delivery (contact_id, channel, claimed_at) where claimed_at is not null;
create index delivery_message on delivery (message_key) where message_key is not null;
create index delivery_dead on delivery (id) where state = 'dead';
comment on table delivery is 'One notice on its way to one contact over one channel 送达';
comment on column delivery.message_key is
    'Key of the message that carries it, the same in every repetition; several deliveries of a digest share one 幂等键';

create function check_delivery_move() returns trigger
language plpgsql as $$
begin
    if (old.state, new.state) not in (('waiting', 'waiting'), ('waiting', 'sending'), ('sending', 'sending'),
        ('sending', 'sent'), ('sending', 'waiting'), ('sending', 'dead'), ('dead', 'waiting')) then
        raise exception using errcode = 'check_violation', constraint = 'delivery_transition_legal',
            message = format('delivery %s is %s, which does not allow: %s', old.id, old.state, new.state);
    end if;
    return new;
end
$$;
create trigger check_delivery_move before update on delivery for each row execute function check_delivery_move();

create table delivery_attempt (
    id bigint generated always as identity primary key,
    delivery_id bigint not null references delivery,
    at timestamptz not null,
    worker text not null,
    outcome text not null check (outcome in ('sent', 'failed', 'dead', 'lost', 'replayed')),
    error text
);
create index delivery_attempt_delivery on delivery_attempt (delivery_id, id);
comment on table delivery_attempt is 'What came of each try; lost = its worker died; replayed = a person sent it again 送达尝试';

create table acknowledgement (
    id bigint generated always as identity primary key,
    notice_id bigint not null references notice,
    by text not null check (by <> ''),
    at timestamptz not null,
    via text not null check (via in ('mqtt', 'link', 'console', 'command', 'api')),
    measures text[] not null default '{}',
    effective_at timestamptz,
    comment text,
    request_key text not null,
    unique (notice_id, request_key)
);
comment on table acknowledgement is 'Answer to a notice: who, when, which measures from when; rows are only added 回执';
comment on column acknowledgement.request_key is 'The same answer sent again has the same key 去重键';

create table escalation (
    notice_id bigint not null references notice,
    number int not null check (number > 0),
    at timestamptz not null,
    step smallint,
    told text not null check (told in ('contact', 'operator', 'nobody')),
    deliveries int not null,
    primary key (notice_id, number)
);
comment on table escalation is 'A notice that nobody answered in time was told to the next contact or to the operators 升级记录';

grant select on contact, contact_channel, notice, delivery, delivery_attempt, acknowledgement, escalation to lantian_app;
grant insert, update on contact to lantian_app;
grant insert, delete on contact_channel to lantian_app;
grant insert on notice, delivery_attempt, acknowledgement, escalation to lantian_app;
grant insert (notice_id, contact_id, channel, address, step, severity, due_at, created_at) on delivery to lantian_app;
grant update (state, due_at, message_key, attempts, claimed_at, leased_until, leased_by, sent_at, error)
    on delivery to lantian_app;
grant execute on function contact_due(time, time, timestamptz) to lantian_app;

create view screen.notice as
select n.id as notice_id, n.kind, n.reference, n.area_id, n.enterprise_id, e.name_zh as enterprise_zh, n.severity,
    screen.severity_zh(n.severity) as severity_zh, n.subject_zh, n.body_zh, n.payload, n.created_at, n.respond_by,
    coalesce(d.deliveries, 0)::int as deliveries, coalesce(d.sent, 0)::int as sent,
    coalesce(d.waiting, 0)::int as waiting, coalesce(d.dead, 0)::int as dead, d.first_sent_at,
    k.at as acknowledged_at, k.by as acknowledged_by, k.via as acknowledged_via,
    case when k.at is not null then '已回执' when coalesce(d.deliveries, 0) = 0 then '无联系人'
        when coalesce(d.sent, 0) > 0 then '已送达' when coalesce(d.waiting, 0) > 0 then '发送中' else '发送失败' end as state_zh
from lantian.notice n
left join lantian.enterprise e on e.id = n.enterprise_id
left join lateral (
    select count(*) as deliveries, count(*) filter (where x.state = 'sent') as sent,
        count(*) filter (where x.state in ('waiting', 'sending')) as waiting, count(*) filter (where x.state = 'dead') as dead,
        min(x.sent_at) as first_sent_at
    from lantian.delivery x where x.notice_id = n.id
) d on true
left join lateral (
    select x.at, x.by, x.via from lantian.acknowledgement x where x.notice_id = n.id order by x.id limit 1
) k on true;
comment on view screen.notice is 'Notices, how far they came, and the first answer 通知';

create view screen.delivery as
select d.id as delivery_id, d.notice_id, n.kind, n.reference, n.area_id, n.enterprise_id, n.subject_zh, d.severity,
    d.contact_id, c.name_zh as contact_zh, d.channel,
    case d.channel when 'mqtt' then 'MQTT' when 'webhook' then '网络回调' when 'mail' then '电子邮件' when 'robot' then '群机器人'
        when 'sms' then '短信' end as channel_zh,
    d.step, d.state,
    case d.state when 'waiting' then '待发送' when 'sending' then '发送中' when 'sent' then '已送达' when 'dead' then '失败'
        end as state_zh,
    d.created_at, d.due_at, d.attempts, d.sent_at, d.message_key, d.error
from lantian.delivery d
join lantian.notice n on n.id = d.notice_id
join lantian.contact c on c.id = d.contact_id;

create view screen.acknowledgement as
select k.id as acknowledgement_id, k.notice_id, n.kind, n.reference, n.area_id, n.enterprise_id,
    e.name_zh as enterprise_zh, n.severity, n.subject_zh, n.created_at, n.respond_by, k.by, k.at, k.via,
    case k.via when 'mqtt' then 'MQTT' when 'link' then '链接' when 'console' then '控制台' when 'command' then '命令行'
        when 'api' then '接口' end as via_zh,
    k.measures, k.effective_at, k.comment,
    (extract(epoch from k.at - n.created_at) / 60)::float8 as minutes, k.at <= n.respond_by as in_time
from lantian.acknowledgement k
join lantian.notice n on n.id = k.notice_id
left join lantian.enterprise e on e.id = n.enterprise_id;

-- Not answered in time. A notice about an alert that has ended needs no answer any more.
create view screen.overdue as
select n.id as notice_id, n.kind, n.reference, n.area_id, n.enterprise_id, e.name_zh as enterprise_zh, n.severity,
    screen.severity_zh(n.severity) as severity_zh, n.subject_zh, n.created_at, n.respond_by,
    (extract(epoch from now() - n.respond_by) / 60)::float8 as minutes_late, coalesce(x.escalations, 0)::int as escalations,
    x.escalated_at
from lantian.notice n
left join lantian.enterprise e on e.id = n.enterprise_id
left join lantian.alert a on n.reference = 'alert:' || a.id
left join lateral (
    select count(*) as escalations, max(x.at) as escalated_at from lantian.escalation x where x.notice_id = n.id
) x on true
where n.respond_by < now() and not exists (select from lantian.acknowledgement k where k.notice_id = n.id)
    and (a.id is null or a.state in ('open', 'acknowledged'));
comment on view screen.overdue is 'Notices that nobody answered in time 逾期未回执';

grant select on screen.notice, screen.delivery, screen.acknowledgement, screen.overdue to lantian_reader, lantian_app;
