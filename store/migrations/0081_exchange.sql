-- Hours and warnings of neighbouring counties (plan clause 32). They have tables of their own, so that nothing computed for the
-- own county can take them in. 与相邻县区交换的数据，与本县统计分开保存。

create table neighbour (
    id text primary key check (id ~ '^[A-Za-z0-9_.-]{1,64}$'),
    name_zh text not null check (name_zh <> ''),
    adcode text check (adcode ~ '^[0-9]{6}$'),
    added_at timestamptz not null default now(),
    retired_at timestamptz
);
comment on table neighbour is 'Neighbouring county whose data are exchanged 相邻县区';

create table exchange_receipt (
    id bigint generated always as identity primary key,
    neighbour_id text not null references neighbour,
    source text not null,
    sha256 text not null check (length(sha256) = 64),
    received_at timestamptz not null,
    received integer not null,
    stored integer not null,
    duplicate integer not null,
    revised integer not null,
    rejected integer not null,
    faults text[] not null default '{}',
    check (received = stored + duplicate + revised + rejected)
);
create index exchange_receipt_neighbour on exchange_receipt (neighbour_id, received_at);
comment on table exchange_receipt is 'Every document received, with what became of its rows 交换接收账目';

create table neighbour_hour (
    neighbour_id text not null references neighbour,
    site_id text not null,
    hour timestamptz not null check (date_trunc('hour', hour, 'UTC') = hour),
    version integer not null check (version >= 1),
    site_zh text not null,
    pm25 double precision,
    pm10 double precision,
    so2 double precision,
    no2 double precision,
    co double precision,
    o3 double precision,
    aqi smallint check (aqi between 0 and 500),
    aqi_available smallint check (aqi_available between 0 and 500),
    level smallint check (level between 1 and 6),
    primary_pollutants text[] not null default '{}',
    edition text not null,
    receipt_id bigint not null references exchange_receipt,
    primary key (neighbour_id, site_id, hour, version)
);
comment on table neighbour_hour is 'Hours as a neighbour sent them, corrections as further versions; indices by our own rules 相邻县区小时值';

create table neighbour_warning (
    neighbour_id text not null references neighbour,
    warning text not null,
    version integer not null check (version >= 1),
    level text not null check (level in ('yellow', 'orange', 'red')),
    issued_at timestamptz not null,
    starts_at timestamptz not null,
    ends_at timestamptz not null check (ends_at >= starts_at),
    lifted_at timestamptz,
    receipt_id bigint not null references exchange_receipt,
    primary key (neighbour_id, warning, version)
);
comment on table neighbour_warning is 'Warnings as a neighbour sent them, changes as further versions 相邻县区预警';

grant select, insert on neighbour, exchange_receipt, neighbour_hour, neighbour_warning to lantian_app;
grant update (name_zh, adcode, retired_at) on neighbour to lantian_app;

create view screen.neighbour as
select n.id as neighbour_id, n.name_zh, n.adcode, 'foreign' as kind, n.added_at
from lantian.neighbour n
where n.retired_at is null;

-- The newest version of each hour, rounded as published.
create view screen.neighbour_hour as
select distinct on (h.neighbour_id, h.site_id, h.hour)
    h.neighbour_id, n.name_zh as neighbour_zh, h.site_id, h.site_zh, h.site_id = h.neighbour_id as whole_county, h.hour, h.version,
    screen.published(h.pm25, 0) as pm25, screen.published(h.pm10, 0) as pm10, screen.published(h.so2, 0) as so2,
    screen.published(h.no2, 0) as no2, screen.published(h.co, 1) as co, screen.published(h.o3, 0) as o3,
    h.aqi, h.aqi_available, h.level, l.category_zh, l.hex, screen.pollutants_zh(h.primary_pollutants) as primary_zh, h.edition,
    r.received_at
from lantian.neighbour_hour h
join screen.neighbour n on n.neighbour_id = h.neighbour_id
join lantian.exchange_receipt r on r.id = h.receipt_id
left join lantian.aqi_level l on l.edition = h.edition and l.level = h.level
order by h.neighbour_id, h.site_id, h.hour, h.version desc;

-- One row per neighbour, also before its first hour: the newest hour of the county as a whole.
create view screen.neighbour_now as
select n.neighbour_id, n.name_zh as neighbour_zh, n.adcode, h.hour, h.pm25, h.pm10, h.so2, h.no2, h.co, h.o3, h.aqi,
    h.aqi_available, h.level, h.category_zh, h.hex, h.primary_zh, h.received_at,
    (extract(epoch from now() - h.hour) / 60 - 60)::float8 as age_minutes
from screen.neighbour n
left join lateral (
    select * from screen.neighbour_hour x
    where x.neighbour_id = n.neighbour_id and x.site_id = n.neighbour_id
        and x.hour >= now() - interval '7 days'
    order by x.hour desc limit 1
) h on true;

create view screen.neighbour_warning as
select distinct on (w.neighbour_id, w.warning)
    w.neighbour_id, n.name_zh as neighbour_zh, w.warning, w.version, w.level, screen.warning_level_zh(w.level) as level_zh,
    w.issued_at, w.starts_at, w.ends_at, w.lifted_at,
    coalesce(w.lifted_at > now(), w.ends_at > now()) as in_force, r.received_at
from lantian.neighbour_warning w
join screen.neighbour n on n.neighbour_id = w.neighbour_id
join lantian.exchange_receipt r on r.id = w.receipt_id
order by w.neighbour_id, w.warning, w.version desc;

create view screen.exchange_receipt as
select r.id as receipt_id, r.neighbour_id, n.name_zh as neighbour_zh, r.source, r.received_at, r.received, r.stored, r.duplicate,
    r.revised, r.rejected, r.faults
from lantian.exchange_receipt r
join lantian.neighbour n on n.id = r.neighbour_id;

grant select on screen.neighbour, screen.neighbour_hour, screen.neighbour_now, screen.neighbour_warning,
    screen.exchange_receipt to lantian_reader, lantian_app;
