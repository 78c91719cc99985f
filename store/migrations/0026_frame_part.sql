-- Parts of split HJ 212 frames that wait for their other parts. 分包。

create table frame_part (
    device_id text not null references device,
    set_key text not null,
    number int not null check (number between 1 and total),
    total int not null check (total > 1),
    received_at timestamptz not null,
    topic text not null,
    payload bytea not null,
    primary key (device_id, set_key, number)
);
comment on table frame_part is 'Accepted parts of split frames whose rows are written with the last part 待齐分包';
comment on column frame_part.set_key is 'What the parts of one frame share: system, command, number of parts, DataTime 分包所属';

grant select, insert, update, delete on frame_part to lantian_writer;
grant select on frame_part to lantian_app;
