-- Retention gives way: what reads or backs up a chunk is not kept waiting behind a drop that waits itself. 清除让行。

alter function drop_oldest_chunk(text, timestamptz) set lock_timeout = '2s';
