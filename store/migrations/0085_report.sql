-- Reports that the schedule has written, and the dust events that they name. 定期报告。

create table report_made (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('day', 'month', 'year', 'plan', 'validity')),
    area_id text not null references area,
    subject text not null default '',
    period_start date not null,
    made_at timestamptz not null,
    folder text not null,
    files text[] not null,
    remark text not null default '',
    unique (kind, area_id, subject, period_start)
);
comment on table report_made is 'Reports written by the schedule, each once 定期报告记录';
comment on column report_made.subject is 'Enterprise of a validity report, otherwise empty 企业';
comment on column report_made.remark is 'What could not be written, and why 说明';
grant select, insert on report_made to lantian_app;

create view screen.report_made as
select r.id, r.kind,
    case r.kind when 'day' then '日报' when 'month' then '月报' when 'year' then '年报' when 'plan' then '季度目标进展'
        when 'validity' then '企业数据有效性月报' end as kind_zh,
    r.area_id, a.name_zh as area_zh, r.subject, coalesce(e.name_zh, '') as subject_zh, r.period_start, r.made_at, r.folder,
    r.files, r.remark
from lantian.report_made r
join lantian.area a on a.id = r.area_id
left join lantian.enterprise e on e.id = r.subject;

create view screen.warning_exclusion as
select x.area_id, x.starts_at, x.ends_at, x.cause,
    case x.cause when 'dust' then '沙尘' when 'wildfire' then '野火' when 'transport' then '传输' end as cause_zh,
    x.entered_by, x.note
from lantian.warning_exclusion x;

grant select on screen.report_made, screen.warning_exclusion to lantian_reader, lantian_app;
