-- What the gateway checks of a logger that connects over TCP. 网关接入口令。

alter table device add column access_password text;
comment on column device.access_password is
    'Salted digest of the PW of its HJ 212 frames, checked by the gateway; null = PW is not checked 访问密码摘要';
