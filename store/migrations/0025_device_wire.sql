-- What else is agreed with a device about its frames: which checksum it computes, and which column a code of its own fills. 报文约定。

alter table device add column crc_policy text not null default 'exact' check (crc_policy in ('exact', 'swapped', 'modbus'));
comment on column device.crc_policy is
    'HJ 212 checksum: exact as annex A says; swapped: its bytes exchanged as well; modbus: the Modbus one as well 校验方式';

create table device_column (
    device_id text not null references device,
    factor text not null check (factor <> ''),
    column_key text not null check (column_key <> ''),
    primary key (device_id, factor)
);
comment on table device_column is 'Column that a factor of a device fills, where the standard''s tables name none 因子对应列';

grant select on device_column to lantian_writer;
grant select, insert, update, delete on device_column to lantian_app;
