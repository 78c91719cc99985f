-- Queues with those of the quality tests and of reviews that wait for a second person. 待处理队列。

create or replace view screen.queue_now as
select q.queue, q.queue_zh, q.position, q.waiting,
    (extract(epoch from now() - q.oldest) / 60)::float8 as oldest_minutes
from (
    select 'dirty_hour' as queue, '待重算小时' as queue_zh, 1 as position, count(*)::bigint as waiting, min(marked_at) as oldest
    from lantian.dirty_hour
    union all
    select 'dirty_day', '待重算日', 2, count(*), min(marked_at) from lantian.dirty_day
    union all
    select 'dirty_period', '待重算时段', 3, count(*), min(marked_at) from lantian.dirty_period
    union all
    select 'revision', '待定数据修正', 4, count(*), min(received_at) from lantian.revision where status = 'proposed'
    union all
    -- Hours that are not over stay in the queue and wait for nothing.
    select 'dirty_quality', '待质控小时', 5, count(*), min(marked_at) from lantian.dirty_quality
    where hour <= now() - interval '70 minutes'
    union all
    select 'review', '待复审数据', 6, count(*), min(proposed_at) from screen.review where status = 'proposed'
) q;
