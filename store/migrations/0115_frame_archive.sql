-- Raw frames that were archived before they were dropped, and their way back. 原始报文归档与恢复。

alter table retention_drop
    add archive text,
    add archive_sha256 text check (archive_sha256 ~ '^[0-9a-f]{64}$'),
    add check ((archive is null) = (archive_sha256 is null));
comment on column retention_drop.archive is 'File of the archive that holds what was dropped 归档文件';
comment on column retention_drop.archive_sha256 is 'Digest of that file 归档文件摘要';

-- Copies out of the archive. Not raw_frame itself: there the ledger counts every message once, as kept or as dropped.
create table restored_frame (
    received_at timestamptz not null,
    device_id text,
    topic text not null,
    payload bytea not null,
    outcome text not null check (outcome in ('stored', 'duplicate', 'revised')),
    batch_id bigint not null
);
create index restored_frame_device on restored_frame (device_id, received_at);
comment on table restored_frame is 'Raw frames brought back from the archive, as they were 从归档恢复的原始报文';
grant select on restored_frame to lantian_writer;
grant select, insert, delete on restored_frame to lantian_app;

-- 64 bits of a frame, every byte of every column; the sum over frames does not depend on their order. The archive
-- computes the same from its file (app.frame_file.frame_code).
create function frame_code(
    received_at timestamptz, device_id text, topic text, outcome text, batch_id bigint, payload bytea
) returns bigint
language sql stable parallel safe as $$
    select ('x' || encode(substr(sha256(
        timestamptz_send(received_at) || int8send(batch_id)
        || coalesce(int4send(octet_length(device_id)) || convert_to(device_id, 'UTF8'), '\xffffffff')
        || int4send(octet_length(topic)) || convert_to(topic, 'UTF8')
        || int4send(octet_length(outcome)) || convert_to(outcome, 'UTF8')
        || payload), 1, 8), 'hex'))::bit(64)::bigint
$$;

-- Like drop_oldest_chunk, for one chunk of raw frames, and only while it holds exactly what the archive has read back
-- from its file: as many frames with the same sum of codes. Null, and nothing dropped, when it holds anything else.
create function drop_archived_chunk(
    starting timestamptz, ending timestamptz, frames bigint, codes numeric, file text, file_sha256 text
) returns bigint
language plpgsql security definer set search_path = lantian, public, pg_temp set lock_timeout = '2s' as $$
declare
    chunk record;
    held bigint;
    held_codes numeric;
    lowest bigint;
    highest bigint;
begin
    if ending is null or ending > clock_timestamp() - interval '30 days' then
        raise exception 'found a chunk that ends at %, expected one that ended at least 30 days ago', ending
            using errcode = 'insufficient_privilege';
    end if;
    if frames is null or codes is null or file is null or file_sha256 is null then
        raise exception 'found no archive of the chunk, expected its frames, their codes, its file and the digest of that'
            using errcode = 'insufficient_privilege';
    end if;
    select k.chunk_schema, k.chunk_name into chunk
    from timescaledb_information.chunks k
    where k.hypertable_schema = 'lantian' and k.hypertable_name = 'raw_frame'
        and k.range_start = starting and k.range_end = ending;
    if not found then
        return null;
    end if;
    execute format('lock table %I.%I in access exclusive mode', chunk.chunk_schema, chunk.chunk_name);
    execute format('select count(*), coalesce(sum(frame_code(received_at, device_id, topic, outcome, batch_id, payload)), 0),
        min(batch_id), max(batch_id) from %I.%I', chunk.chunk_schema, chunk.chunk_name)
        into held, held_codes, lowest, highest;
    if held <> frames or held_codes <> codes then
        return null;
    end if;
    perform drop_chunks('raw_frame'::regclass, older_than => ending, newer_than => starting);
    insert into retention_drop
        (table_name, range_start, range_end, rows_dropped, first_batch, last_batch, archive, archive_sha256)
    values ('raw_frame', starting, ending, held, lowest, highest, file, file_sha256);
    return held;
end
$$;
revoke execute on function drop_archived_chunk, frame_code from public;
grant execute on function drop_archived_chunk, frame_code to lantian_app;
