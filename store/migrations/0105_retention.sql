-- Dropping what is old: chunk by chunk, counted in the same transaction, by a function that does nothing else. 数据保留。

create table retention_drop (
    id bigint generated always as identity primary key,
    table_name text not null,
    range_start timestamptz not null,
    range_end timestamptz not null,
    rows_dropped bigint not null check (rows_dropped >= 0),
    first_batch bigint,
    last_batch bigint,
    dropped_at timestamptz not null default clock_timestamp(),
    check ((first_batch is null) = (last_batch is null))
);
comment on table retention_drop is 'Chunks dropped by retention and what they held, so that the ledger still balances 过期数据清除记录';
comment on column retention_drop.first_batch is 'Of raw frames: lowest ledger number among them 首批次';
comment on column retention_drop.last_batch is 'Of raw frames: highest ledger number among them 末批次';
grant select on retention_drop to lantian_writer, lantian_app;

-- As the owner, because nobody else may remove history. What it can do at most: drop a chunk of these tables that ended
-- thirty days ago by the database's own clock.
create function drop_oldest_chunk(of_table text, before timestamptz) returns bigint
language plpgsql security definer set search_path = lantian, public, pg_temp as $$
declare
    oldest record;
    batches text := case of_table when 'raw_frame' then 'min(batch_id), max(batch_id)' else 'null::bigint, null::bigint' end;
    held bigint;
    lowest bigint;
    highest bigint;
begin
    if of_table is null or of_table not in ('raw_frame', 'quality_result') then
        raise exception 'found table %, expected raw_frame or quality_result', of_table
            using errcode = 'insufficient_privilege';
    end if;
    if before is null or before > clock_timestamp() - interval '30 days' then
        raise exception 'found chunks before %, expected a moment at least 30 days ago', before
            using errcode = 'insufficient_privilege';
    end if;
    select k.chunk_schema, k.chunk_name, k.range_start, k.range_end into oldest
    from timescaledb_information.chunks k
    where k.hypertable_schema = 'lantian' and k.hypertable_name = of_table and k.range_end <= before
    order by k.range_start limit 1;
    if not found then
        return null;
    end if;
    -- Whoever still writes into it comes before the count or after the drop.
    execute format('lock table %I.%I in access exclusive mode', oldest.chunk_schema, oldest.chunk_name);
    execute format('select count(*), %s from %I.%I', batches, oldest.chunk_schema, oldest.chunk_name)
        into held, lowest, highest;
    perform drop_chunks(
        format('lantian.%I', of_table)::regclass, older_than => oldest.range_end, newer_than => oldest.range_start);
    insert into retention_drop (table_name, range_start, range_end, rows_dropped, first_batch, last_batch)
    values (of_table, oldest.range_start, oldest.range_end, held, lowest, highest);
    return held;
end
$$;
revoke execute on function drop_oldest_chunk from public;
grant execute on function drop_oldest_chunk to lantian_app;
