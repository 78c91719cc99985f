-- Requests of the platform to devices and what came of them. 反控命令。

create table device_request (
    id bigint generated always as identity primary key,
    device_id text not null references device,
    qn text not null check (qn ~ '^[0-9]{17}$'),
    command text not null,
    topic text not null,
    payload bytea not null,
    requested_at timestamptz not null default clock_timestamp(),
    requested_by text not null,
    accepted_code int,
    accepted_at timestamptz,
    executed_code int,
    executed_at timestamptz,
    unique (device_id, qn),
    check ((accepted_code is null) = (accepted_at is null)),
    check ((executed_code is null) = (executed_at is null))
);
comment on table device_request is 'Request sent to a device (HJ 212 request and notify cycle) 反控命令';
comment on column device_request.accepted_code is 'QnRtn of the device''s 9011: 1 = will execute 请求应答';
comment on column device_request.executed_code is 'ExeRtn of the device''s 9012: 1 = done 执行结果';

grant select, insert on device_request to lantian_app;
grant select on device_request to lantian_writer;
grant update (accepted_code, accepted_at, executed_code, executed_at) on device_request to lantian_writer;
