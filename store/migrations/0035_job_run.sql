-- Scheduled jobs: when each ran and what came of it. 定时任务。

create table job_run (
    id bigint generated always as identity primary key,
    job text not null check (job <> ''),
    began_at timestamptz not null,
    ended_at timestamptz,
    outcome text check (outcome in ('done', 'failed', 'interrupted')),
    counts jsonb not null default '{}',
    error_code text,
    error text,
    check ((ended_at is null) = (outcome is null)),
    check ((outcome is not distinct from 'failed') = (error_code is not null)),
    check ((error_code is null) = (error is null))
);
create index job_run_job on job_run (job, began_at desc);
comment on table job_run is 'Runs of scheduled jobs; without an end: under way, or its process died 定时任务执行记录';
comment on column job_run.counts is 'What was done, by name 处理数量';

create view screen.job_now as
select r.job, r.began_at, r.ended_at, coalesce(r.outcome, 'running') as outcome,
    case coalesce(r.outcome, 'running') when 'done' then '完成' when 'failed' then '失败'
        when 'interrupted' then '中断' else '运行中' end as outcome_zh,
    (extract(epoch from coalesce(r.ended_at, now()) - r.began_at))::float8 as seconds,
    (extract(epoch from now() - d.ended_at) / 60)::float8 as minutes_since_done,
    coalesce(f.failures, 0)::integer as failures_24h, r.counts, r.error_code, r.error
from (select distinct on (job) * from lantian.job_run order by job, began_at desc, id desc) r
left join lateral (
    select max(x.ended_at) as ended_at from lantian.job_run x where x.job = r.job and x.outcome = 'done'
) d on true
left join lateral (
    select count(*) as failures from lantian.job_run x
    where x.job = r.job and x.outcome <> 'done' and x.began_at > now() - interval '24 hours'
) f on true;

grant select, insert, delete on job_run to lantian_app;
grant update (ended_at, outcome, counts, error_code, error) on job_run to lantian_app;
grant select on screen.job_now to lantian_reader, lantian_app;
