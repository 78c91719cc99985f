-- The batches since the hours were added up are few, and a range with both ends says so to the planner: one with an open end
-- was read from beginning to end. 台账小时汇总只读尚未汇总的批次。

create or replace view screen.ledger_hour as
select t.hour, sum(t.batches)::bigint as batches, sum(t.received)::bigint as received, sum(t.stored)::bigint as stored,
    sum(t.duplicate)::bigint as duplicate, sum(t.revised)::bigint as revised, sum(t.rejected)::bigint as rejected,
    sum(t.rows_stored)::bigint as rows_stored, sum(t.rows_duplicate)::bigint as rows_duplicate,
    sum(t.rows_revised)::bigint as rows_revised
from (
    select hour, batches, received, stored, duplicate, revised, rejected, rows_stored, rows_duplicate, rows_revised
    from lantian.ledger_hour
    union all
    select date_trunc('hour', committed_at), 1, received, stored, duplicate, revised, rejected, rows_stored, rows_duplicate,
        rows_revised
    from lantian.ledger
    where id > (select coalesce(max(h.through_id), 0) from lantian.ledger_hour h) and id <= (select max(l.id) from lantian.ledger l)
) t
group by t.hour;
