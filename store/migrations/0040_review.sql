-- Review of data by two persons: one proposes how values count, another confirms. 数据审核（两级）。
-- Rows are only added: a proposal in `review`, what became of it in `review_step`. Readings themselves never change.

create table review (
    id bigint generated always as identity primary key,
    device_id text not null references device,
    family text not null check (family in ('air', 'stack', 'vehicle', 'plant')),
    low timestamptz not null,
    high timestamptz not null,
    columns text[] not null check (cardinality(columns) > 0),
    verdict text not null check (verdict in ('valid', 'invalid')),
    proposed_by text not null check (proposed_by <> '' and proposed_by = btrim(proposed_by)),
    proposed_at timestamptz not null default clock_timestamp(),
    why text not null check (btrim(why) <> ''),
    check (low < high),
    constraint of_what_has_been check (high <= proposed_at + interval '1 day'),
    unique (id, proposed_by)
);
create index review_device on review (device_id, low);
comment on table review is 'Proposals how values of a device count 数据审核：初审';
comment on column review.low is 'Readings that start from then on 时段起（含）';
comment on column review.high is 'and before then 时段止（不含）';
comment on column review.columns is 'Columns of the family 监测项';
comment on column review.verdict is 'valid: counts whatever the flags say; invalid: enters no statistic 审核结论';

create table review_step (
    review_id bigint not null,
    action text not null check (action in ('confirm', 'withdraw')),
    proposed_by text not null,
    done_by text not null check (done_by <> '' and done_by = btrim(done_by)),
    done_at timestamptz not null default clock_timestamp(),
    why text not null check (btrim(why) <> ''),
    primary key (review_id, action),
    foreign key (review_id, proposed_by) references review (id, proposed_by),
    constraint two_persons check (action <> 'confirm' or lower(done_by) <> lower(proposed_by))
);
comment on table review_step is 'Confirmation and withdrawal of proposals, each once 数据审核：复审与撤回';

grant select, insert on review, review_step to lantian_app;

create view screen.review as
select r.id, r.device_id, d.site_id, s.name_zh as site_zh, s.area_id, r.family, r.low, r.high, r.columns, r.verdict,
    case r.verdict when 'valid' then '有效' else '无效' end as verdict_zh,
    r.proposed_by, r.proposed_at, r.why, c.done_by as confirmed_by, c.done_at as confirmed_at, c.why as confirm_why,
    w.done_by as withdrawn_by, w.done_at as withdrawn_at, w.why as withdraw_why, t.status,
    case t.status when 'proposed' then '待复审' when 'confirmed' then '已生效' else '已撤回' end as status_zh
from lantian.review r
join lantian.device d on d.id = r.device_id
join lantian.site s on s.id = d.site_id
left join lantian.review_step c on c.review_id = r.id and c.action = 'confirm'
left join lantian.review_step w on w.review_id = r.id and w.action = 'withdraw'
cross join lateral (
    select case when w.done_at is not null then 'withdrawn' when c.done_at is not null then 'confirmed'
        else 'proposed' end as status
) t;
comment on view screen.review is 'Reviews with their state 数据审核记录';

grant select on screen.review to lantian_reader, lantian_app;
