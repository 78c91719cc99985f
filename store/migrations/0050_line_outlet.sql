-- What stands behind a stack: production lines, the treatment of their gas, the meters that show whether they work, and the
-- outlet with the rules that judge it. 生产线、治理设施、用电计量与排放口。

create table production_line (
    line_id text primary key check (line_id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    enterprise_id text not null references enterprise,
    name_zh text not null check (name_zh <> ''),
    kind text not null check (kind in ('production', 'treatment')),
    treats_line_id text references production_line,
    outlet_site_id text references site,
    rated_power_kw double precision check (rated_power_kw > 0),
    edited_at timestamptz not null default now(),
    retired_at timestamptz,
    check (treats_line_id is null or (kind = 'treatment' and treats_line_id <> line_id))
);
create index production_line_enterprise on production_line (enterprise_id);
comment on table production_line is 'Production line, or facility that treats the gas of one 生产线与治理设施';
comment on column production_line.treats_line_id is 'Line whose gas this facility treats 所治理的生产线';
comment on column production_line.outlet_site_id is 'Stack through which the gas leaves 排放口点位';
comment on column production_line.rated_power_kw is 'Power at full load 额定功率';

create table line_meter (
    line_id text not null references production_line,
    device_id text not null references device,
    share double precision not null default 1 check (share > 0 and share <= 1),
    primary key (line_id, device_id)
);
create index line_meter_device on line_meter (device_id);
comment on table line_meter is 'Electricity meter or operating-condition device of a line 生产线的用电与工况设备';
comment on column line_meter.share is 'Part of what the meter shows that belongs to the line 所占比例';

create table outlet (
    site_id text not null references site,
    valid_from date not null,
    valid_to date,
    kind text not null check (kind <> ''),
    reference_oxygen double precision check (reference_oxygen between 0 and 20),
    basis text not null default 'dry-standard' check (basis in ('dry-standard', 'wet-standard', 'duct')),
    flow_basis text not null default 'dry-standard' check (flow_basis in ('dry-standard', 'duct')),
    duct_area_m2 double precision check (duct_area_m2 > 0),
    atmospheric_kpa double precision not null default 101.325 check (atmospheric_kpa between 50 and 110),
    permitted_pm_t double precision check (permitted_pm_t >= 0),
    permitted_so2_t double precision check (permitted_so2_t >= 0),
    permitted_nox_t double precision check (permitted_nox_t >= 0),
    note text,
    edited_at timestamptz not null default now(),
    primary key (site_id, valid_from),
    check (valid_to is null or valid_to >= valid_from)
);
comment on table outlet is 'How a stack is judged from a day on: kind of outlet, oxygen, what the monitor sends, permitted totals 排放口';
comment on column outlet.kind is 'Key of domain/standards/emission-ultra-low/outlets.csv 排放口类型';
comment on column outlet.reference_oxygen is 'Percent; null = that of the kind 基准含氧量';
comment on column outlet.basis is 'State of the gas that concentrations and oxygen are told for 浓度基准';
comment on column outlet.flow_basis is 'State of the gas that the flow is told for 流量基准';
comment on column outlet.permitted_pm_t is 'Permitted total of a calendar year, t 颗粒物年许可排放量';

grant select, insert, update on production_line, outlet to lantian_app;
grant select, insert, update, delete on line_meter to lantian_app;

create view screen.outlet as
select o.site_id, s.name_zh as site_zh, s.area_id, s.enterprise_id, e.name_zh as enterprise_zh, o.valid_from, o.valid_to,
    o.kind, o.reference_oxygen, o.permitted_pm_t, o.permitted_so2_t, o.permitted_nox_t,
    o.valid_from <= screen.today() and (o.valid_to is null or o.valid_to >= screen.today()) as in_force
from lantian.outlet o
join lantian.site s on s.id = o.site_id
left join lantian.enterprise e on e.id = s.enterprise_id
where s.retired_at is null;

create view screen.production_line as
select l.line_id, l.enterprise_id, e.name_zh as enterprise_zh, e.area_id, l.name_zh, l.kind,
    case l.kind when 'production' then '生产线' else '治理设施' end as kind_zh,
    l.treats_line_id, t.name_zh as treats_zh, l.outlet_site_id, s.name_zh as outlet_zh, l.rated_power_kw,
    (select coalesce(array_agg(m.device_id order by m.device_id), '{}') from lantian.line_meter m
        where m.line_id = l.line_id) as devices
from lantian.production_line l
join lantian.enterprise e on e.id = l.enterprise_id
left join lantian.production_line t on t.line_id = l.treats_line_id
left join lantian.site s on s.id = l.outlet_site_id
where l.retired_at is null;

grant select on screen.outlet, screen.production_line to lantian_reader, lantian_app;
