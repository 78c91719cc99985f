-- Registry: who measures what, where. 登记：行政区、企业、点位、设备。
-- Nothing is ever deleted here: what ends gets `retired_at`, so that old readings keep their meaning.

create schema if not exists lantian;
create schema if not exists screen;
comment on schema lantian is 'Tables of the system 业务表';
comment on schema screen is 'Views that screens may read 大屏与看板视图';

create table area (
    id text primary key check (id <> ''),
    name_zh text not null,
    adcode text,
    longitude double precision check (longitude between -180 and 180),
    latitude double precision check (latitude between -90 and 90)
);
comment on table area is 'Administrative area whose mean is judged 行政区';
comment on column area.adcode is 'Six-digit code of GB/T 2260 行政区划代码';

create table enterprise (
    id text primary key check (id <> ''),
    area_id text not null references area,
    name_zh text not null,
    industry text not null,
    permit_number text,
    permit boolean,
    grade text check (grade in ('A', 'B', 'C', 'D', 'leading', 'not-leading')),
    key_industry boolean not null default false,
    named_2024 boolean not null default false,
    ultra_low boolean not null default false,
    on_reduction_list boolean,
    clause text not null default '',
    note text,
    retired_at timestamptz
);
create index enterprise_area on enterprise (area_id);
comment on table enterprise is 'Enterprise of the plan 企业';
comment on column enterprise.permit_number is 'Number of the pollutant discharge permit, once known 排污许可证编号';
comment on column enterprise.permit is 'Whether it is managed by permit; null = not told yet 是否持证';
comment on column enterprise.grade is 'Performance grade for heavy-pollution days 绩效分级';
comment on column enterprise.named_2024 is 'One of the enterprises named for the end of 2024 (clause 6) 2024年底点名企业';
comment on column enterprise.ultra_low is 'Due for rating after ultra-low-emission renovation (clause 27) 超低排放改造';
comment on column enterprise.on_reduction_list is 'On the emergency reduction list; null = not told yet 应急减排清单';

create table site (
    id text primary key check (id <> ''),
    area_id text not null references area,
    enterprise_id text references enterprise,
    kind text not null check (kind in (
        'area', 'ambient', 'micro', 'park', 'stack', 'plant', 'vehicle', 'mobile', 'odour', 'construction', 'video')),
    name_zh text not null,
    township text,
    longitude double precision check (longitude between -180 and 180),
    latitude double precision check (latitude between -90 and 90),
    evaluated boolean not null default false,
    note text,
    retired_at timestamptz,
    check (kind <> 'area' or (id = area_id and not evaluated))
);
create index site_area on site (area_id, kind);
create index site_enterprise on site (enterprise_id) where enterprise_id is not null;
comment on table site is 'Place where something is measured; kind area: the area''s own statistics 点位';
comment on column site.evaluated is 'Enters the mean of its area 是否参与评价';

create table device (
    id text primary key check (id <> ''),
    site_id text not null references site,
    protocol text not null check (protocol in ('json', 'hj212', 'gb17691')),
    family text not null check (family in ('air', 'stack', 'vehicle', 'plant')),
    mn text,
    label text not null default 'start' check (label in ('start', 'end')),
    zone_offset_s int not null default 28800 check (zone_offset_s between -43200 and 50400),
    span_s int not null check (span_s between 0 and 86400),
    interval_s int not null check (interval_s > 0),
    rank smallint not null default 1,
    revision_policy text not null default 'explicit' check (revision_policy in ('explicit', 'accept', 'review')),
    registered_at timestamptz not null default now(),
    retired_at timestamptz
);
create index device_site on device (site_id, family);
create unique index device_mn on device (mn) where mn is not null and retired_at is null;
comment on table device is 'Instrument at a site and what was agreed with it 设备';
comment on column device.mn is 'Equipment number of HJ 212 设备唯一标识';
comment on column device.label is 'Whether its time is the start or the end of the span 时标含义';
comment on column device.zone_offset_s is 'Offset of its clock from UTC 时区偏移（秒）';
comment on column device.span_s is 'Seconds one reading usually covers, 0 = an instant 覆盖时长（秒）';
comment on column device.interval_s is 'Expected seconds between readings; what one instant stands for 上报间隔（秒）';
comment on column device.rank is 'The lower one is preferred within a site 优先级';
comment on column device.revision_policy is
    'explicit: announced corrections count at once; accept: all do; review: none before a person decided 修正策略';

create table device_unit (
    device_id text not null references device,
    factor text not null check (factor <> ''),
    unit text not null,
    primary key (device_id, factor)
);
comment on table device_unit is 'Unit in which a device sends a factor; never guessed 因子单位';

create table device_state (
    device_id text primary key,
    last_received_at timestamptz,
    last_time timestamptz,
    last_error text,
    last_error_at timestamptz,
    link text check (link in ('online', 'offline')),
    link_at timestamptz
);
comment on table device_state is 'Newest sign of life of each device, written by the collector 设备状态';
comment on column device_state.last_time is 'Newest time label of a reading 最新数据时间';
