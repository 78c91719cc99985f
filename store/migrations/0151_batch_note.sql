-- A batch notes in one row what it changed, instead of touching a row for each device and hour; notes are folded together. 批次记录.

create table batch_note (
    id bigint generated always as identity primary key,
    noted_at timestamptz not null default clock_timestamp(),
    device_ids text[] not null,
    received_at timestamptz[] not null,
    times timestamptz[] not null,
    days date[] not null,
    messages int[] not null,
    duplicates int[] not null,
    rejects int[] not null,
    readings int[] not null,
    carried int[] not null,
    usable int[] not null,
    told_ids text[],
    errors text[],
    error_at timestamptz[],
    links text[],
    link_at timestamptz[],
    families text[],
    site_ids text[],
    hours timestamptz[]
);
comment on table batch_note is 'What batches changed and is not yet in device_state, device_day and dirty_hour 批次变更记录';
comment on column batch_note.device_ids is 'Device of each row of counters 设备';
comment on column batch_note.received_at is 'Newest receipt; null in all but one row of a device 最新接收时间';
comment on column batch_note.times is 'Newest time label of a reading; null in all but one row of a device 最新数据时间';
comment on column batch_note.days is 'Local day that the counters of a row belong to; null where there are none 日期';
comment on column batch_note.told_ids is 'Devices whose message was refused or stated a link 被拒收或上报连接状态的设备';
comment on column batch_note.site_ids is 'Sites of hours whose effective values changed, beside families and hours 待重算站点';

-- To compress some kilobytes that live for seconds costs more than to write them.
alter table batch_note alter device_ids set storage external, alter received_at set storage external,
    alter times set storage external, alter days set storage external, alter messages set storage external,
    alter duplicates set storage external, alter rejects set storage external, alter readings set storage external,
    alter carried set storage external, alter usable set storage external, alter families set storage external,
    alter site_ids set storage external, alter hours set storage external;

-- Rows are changed in the order of their keys, and days before states, so that collectors never wait for each other in
-- a circle; notes that another one is folding are left to it.
create function fold_batch_notes() returns void
language plpgsql security definer set search_path = lantian, pg_temp as $$
begin
    with taken as (
        delete from batch_note where id in (select id from batch_note order by id for update skip locked) returning *
    ), queued as (
        insert into dirty_hour (family, site_id, hour, marked_at)
        select u.family, u.site_id, u.hour, min(u.noted_at)
        from (
            select id, noted_at, unnest(families) as family, unnest(site_ids) as site_id, unnest(hours) as hour from taken
        ) u
        group by u.family, u.site_id, u.hour order by min(u.id), u.hour, u.site_id
    ), device as materialized (
        select u.device_id, u.day, max(u.received_at) as received_at, max(u.time) as time, sum(u.messages) as messages,
            sum(u.duplicates) as duplicates, sum(u.rejects) as rejects, sum(u.readings) as readings,
            sum(u.carried) as carried, sum(u.usable) as usable
        from (
            select unnest(device_ids) as device_id, unnest(received_at) as received_at, unnest(times) as time,
                unnest(days) as day, unnest(messages) as messages, unnest(duplicates) as duplicates,
                unnest(rejects) as rejects, unnest(readings) as readings, unnest(carried) as carried,
                unnest(usable) as usable
            from taken
        ) u
        group by u.device_id, u.day
    ), heard as (
        select device_id, max(received_at) as received_at, max(time) as time from device group by device_id
    ), told as (
        select u.device_id, max(u.error_at) as error_at, max(u.link_at) as link_at,
            (array_agg(u.error order by u.error_at desc, n.id desc) filter (where u.error_at is not null))[1] as error,
            (array_agg(u.link order by u.link_at desc, n.id desc) filter (where u.link_at is not null))[1] as link
        from taken n cross join unnest(n.told_ids, n.errors, n.error_at, n.links, n.link_at)
            as u (device_id, error, error_at, link, link_at)
        group by u.device_id
    ), state as (
        insert into device_state as s
            (device_id, last_received_at, last_time, last_error, last_error_at, link, link_at)
        select device_id, h.received_at, h.time, t.error, t.error_at, t.link, t.link_at
        from heard h left join told t using (device_id) order by device_id
        on conflict (device_id) do update set
            last_received_at = greatest(s.last_received_at, excluded.last_received_at),
            last_time = greatest(s.last_time, excluded.last_time),
            last_error = case when excluded.last_error_at < s.last_error_at then s.last_error
                else coalesce(excluded.last_error, s.last_error) end,
            last_error_at = greatest(s.last_error_at, excluded.last_error_at),
            link = case when excluded.link_at < s.link_at then s.link else coalesce(excluded.link, s.link) end,
            link_at = greatest(s.link_at, excluded.link_at)
    )
    insert into device_day as d (device_id, day, messages, duplicates, rejects, readings, carried, usable)
    select device_id, day, messages, duplicates, rejects, readings, carried, usable
    from device where day is not null order by device_id, day
    on conflict (device_id, day) do update set
        messages = d.messages + excluded.messages, duplicates = d.duplicates + excluded.duplicates,
        rejects = d.rejects + excluded.rejects, readings = d.readings + excluded.readings,
        carried = d.carried + excluded.carried, usable = d.usable + excluded.usable;
end
$$;
comment on function fold_batch_notes() is 'Bring what batches noted into device_state, device_day and dirty_hour 合并批次变更记录';
revoke execute on function fold_batch_notes() from public;
grant execute on function fold_batch_notes() to lantian_writer, lantian_app;

-- The collector only notes.
grant insert on batch_note to lantian_writer;
grant select on batch_note to lantian_app;
revoke insert, update on device_state, device_day from lantian_writer;
revoke select on device_state, device_day from lantian_writer;
revoke insert on dirty_hour from lantian_writer;

-- A batch has its number before its row is written.
grant usage on sequence ledger_id_seq to lantian_writer;
