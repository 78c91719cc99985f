-- What integrity checks said, and what people made of it. Findings and their events are only added. 数据真实性核查。

create table integrity_check (
    device_id text not null,
    kind text not null,
    day date not null,
    site_id text not null,
    verdict text not null check (verdict in ('compliant', 'suspected', 'undetermined')),
    lacking text not null default '',
    settled_at timestamptz not null default now(),
    primary key (device_id, kind, day),
    check ((verdict = 'undetermined') = (lacking <> ''))
);
create index integrity_check_day on integrity_check (day);
comment on table integrity_check is 'Newest verdict of each check of a device on a local day 每日核查结论';
comment on column integrity_check.lacking is 'What was missing for a verdict 缺少的数据';

create table integrity_finding (
    id bigint generated always as identity primary key,
    kind text not null,
    kind_zh text not null,
    family text not null check (family in ('air', 'stack', 'vehicle', 'plant')),
    device_id text not null,
    site_id text not null,
    column_key text not null default '',
    began_at timestamptz not null,
    basis text not null,
    opened_at timestamptz not null default clock_timestamp(),
    unique (kind, device_id, column_key, began_at)
);
create index integrity_finding_device on integrity_finding (device_id, kind);
comment on table integrity_finding is 'Something suspected of a device; its extent and state are events 疑似问题';

create table integrity_event (
    id bigint generated always as identity primary key,
    finding_id bigint not null references integrity_finding,
    event text not null check (event in ('opened', 'continued', 'closed', 'confirmed', 'dismissed', 'reopened')),
    at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    text_zh text,
    evidence jsonb check (jsonb_typeof(evidence) = 'object'),
    decided_by text,
    why text,
    check ((event in ('opened', 'continued')) = (ended_at is not null)),
    check ((event in ('opened', 'continued')) = (evidence is not null)),
    check ((event in ('opened', 'continued')) = (text_zh is not null)),
    check ((event in ('confirmed', 'dismissed', 'reopened')) = (decided_by is not null and why is not null))
);
create index integrity_event_finding on integrity_event (finding_id, id);
comment on table integrity_event is 'What happened to a finding: longer, over, confirmed or dismissed by a person 问题进展';
comment on column integrity_event.ended_at is 'Last reading concerned so far 截止时间';
comment on column integrity_event.evidence is 'Figures, what was expected, some of the values 证据';

grant select, insert on integrity_finding, integrity_event to lantian_app;
grant select, insert, update, delete on integrity_check to lantian_app;

-- A finding that a person has judged stays judged although it continues.
create view screen.integrity_finding as
select f.id, f.kind, f.kind_zh, f.family, f.device_id, f.site_id, s.name_zh as site_zh, s.area_id, s.enterprise_id,
    e.name_zh as enterprise_zh, f.column_key, f.began_at, x.ended_at, f.opened_at, t.status,
    case t.status when 'open' then '待核查' when 'closed' then '已结束' when 'confirmed' then '核查属实'
        else '核查排除' end as status_zh,
    x.text_zh, x.evidence, f.basis, t.at as status_at, t.decided_by, t.why
from lantian.integrity_finding f
join lantian.site s on s.id = f.site_id
left join lantian.enterprise e on e.id = s.enterprise_id
cross join lateral (
    select v.ended_at, v.text_zh, v.evidence from lantian.integrity_event v
    where v.finding_id = f.id and v.ended_at is not null order by v.id desc limit 1
) x
cross join lateral (
    select case v.event when 'opened' then 'open' when 'reopened' then 'open' else v.event end as status, v.at, v.decided_by,
        v.why
    from lantian.integrity_event v
    where v.finding_id = f.id and v.event <> 'continued' order by v.id desc limit 1
) t;

create view screen.integrity_check as
select c.device_id, c.kind, c.day, screen.midnight(c.day) as time, c.site_id, s.name_zh as site_zh, s.area_id,
    s.enterprise_id, c.verdict,
    case c.verdict when 'compliant' then '未见异常' when 'suspected' then '疑似异常' else '无法判定' end as verdict_zh,
    c.lacking, c.settled_at
from lantian.integrity_check c
join lantian.site s on s.id = c.site_id;

grant select on screen.integrity_finding, screen.integrity_check to lantian_reader, lantian_app;
