-- A part of a split frame that is given up was counted as stored when it came; its row moves it from stored to rejected
-- and receives nothing, so that every message is counted once. 分包放弃。

alter table ledger drop constraint ledger_check;
alter table ledger add constraint never_negative check (
    least(received, duplicate, revised, rejected, rows_stored, rows_duplicate, rows_revised) >= 0
    and (stored >= 0 or (received = 0 and stored = -rejected))
);
comment on column ledger.stored is
    'Messages stored; below 0 in a row that gives up parts of split frames: these are rejected after all 入库报文数';
