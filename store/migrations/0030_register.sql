-- Registers the plan asks for (domain/register_table.py describes them): a table each, of which every row is one version of
-- an entry with who, when and why. Rows are only added, so what was entered is never lost. 台账。

create table register_straw_fire (
    id text not null check (id ~ '^[0-9A-Za-z][0-9A-Za-z._:+-]{0,119}$'),
    version int not null check (version > 0),
    action text not null check (action in ('add', 'correct', 'retire', 'restore')),
    changed_by text not null check (changed_by <> ''),
    changed_at timestamptz not null default clock_timestamp(),
    why text not null,
    area_id text not null references area,
    seen_at timestamptz not null,
    longitude double precision not null check (longitude between 73 and 136),
    latitude double precision not null check (latitude between 3 and 54),
    source text not null check (source in ('satellite', 'video', 'drone')),
    township text,
    place text,
    result text not null check (result in ('pending', 'confirmed', 'other_fire', 'none')),
    checked_by text,
    checked_at timestamptz,
    note text,
    primary key (id, version),
    check ((version = 1) = (action = 'add')),
    check (action = 'add' or why <> '')
);
comment on table register_straw_fire is '秸秆焚烧火点; every row is a version of an entry, rows are only added 每行为一个版本，只增不改';

create table register_fume_purifier (
    id text not null check (id ~ '^[0-9A-Za-z][0-9A-Za-z._:+-]{0,119}$'),
    version int not null check (version > 0),
    action text not null check (action in ('add', 'correct', 'retire', 'restore')),
    changed_by text not null check (changed_by <> ''),
    changed_at timestamptz not null default clock_timestamp(),
    why text not null,
    area_id text not null references area,
    name_zh text not null,
    address text,
    township text,
    model text,
    installed_on date,
    removed_on date,
    note text,
    primary key (id, version),
    check ((version = 1) = (action = 'add')),
    check (action = 'add' or why <> '')
);
comment on table register_fume_purifier is '餐饮油烟净化设施; every row is a version of an entry, rows are only added 每行为一个版本，只增不改';

create table register_fume_cleaning (
    id text not null check (id ~ '^[0-9A-Za-z][0-9A-Za-z._:+-]{0,119}$'),
    version int not null check (version > 0),
    action text not null check (action in ('add', 'correct', 'retire', 'restore')),
    changed_by text not null check (changed_by <> ''),
    changed_at timestamptz not null default clock_timestamp(),
    why text not null,
    area_id text not null references area,
    purifier_id text not null,
    cleaned_on date not null,
    cleaned_by text not null,
    work text,
    evidence text,
    note text,
    primary key (id, version),
    check ((version = 1) = (action = 'add')),
    check (action = 'add' or why <> '')
);
comment on table register_fume_cleaning is '油烟净化设施清洗台账; every row is a version of an entry, rows are only added 每行为一个版本，只增不改';

create table register_emission (
    id text not null check (id ~ '^[0-9A-Za-z][0-9A-Za-z._:+-]{0,119}$'),
    version int not null check (version > 0),
    action text not null check (action in ('add', 'correct', 'retire', 'restore')),
    changed_by text not null check (changed_by <> ''),
    changed_at timestamptz not null default clock_timestamp(),
    why text not null,
    area_id text not null references area,
    year integer not null check (year between 2000 and 2100),
    source text not null check (source in ('combustion', 'process', 'mobile', 'solvent', 'agriculture', 'dust', 'biomass', 'storage', 'waste', 'other')),
    pollutant text not null check (pollutant in ('so2', 'nox', 'co', 'vocs', 'nh3', 'pm10', 'pm25', 'bc', 'oc')),
    amount_t double precision not null check (amount_t >= 0),
    method text,
    compiled_by text,
    note text,
    primary key (id, version),
    check ((version = 1) = (action = 'add')),
    check (action = 'add' or why <> '')
);
comment on table register_emission is '大气污染源排放清单; every row is a version of an entry, rows are only added 每行为一个版本，只增不改';
comment on column register_emission.amount_t is 't 排放量';

create table register_nonroad (
    id text not null check (id ~ '^[0-9A-Za-z][0-9A-Za-z._:+-]{0,119}$'),
    version int not null check (version > 0),
    action text not null check (action in ('add', 'correct', 'retire', 'restore')),
    changed_by text not null check (changed_by <> ''),
    changed_at timestamptz not null default clock_timestamp(),
    why text not null,
    area_id text not null references area,
    name_zh text not null,
    kind text,
    stage text not null check (stage in ('stage0', 'stage1', 'stage2', 'stage3', 'stage4', 'electric')),
    owner text not null,
    power_kw double precision check (power_kw between 0 and 10000),
    made_on date,
    township text,
    work_place text,
    scrapped_on date,
    note text,
    primary key (id, version),
    check ((version = 1) = (action = 'add')),
    check (action = 'add' or why <> '')
);
comment on table register_nonroad is '非道路移动机械; every row is a version of an entry, rows are only added 每行为一个版本，只增不改';
comment on column register_nonroad.power_kw is 'kW 额定功率';

create table register_coal_boiler (
    id text not null check (id ~ '^[0-9A-Za-z][0-9A-Za-z._:+-]{0,119}$'),
    version int not null check (version > 0),
    action text not null check (action in ('add', 'correct', 'retire', 'restore')),
    changed_by text not null check (changed_by <> ''),
    changed_at timestamptz not null default clock_timestamp(),
    why text not null,
    area_id text not null references area,
    name_zh text not null,
    kind text not null check (kind in ('boiler', 'water_heater', 'stove', 'dryer', 'furnace', 'other')),
    fuel text not null check (fuel in ('coal', 'gas', 'biomass', 'oil', 'electricity')),
    capacity_t_h double precision check (capacity_t_h between 0 and 5000),
    purpose text,
    township text,
    longitude double precision check (longitude between 73 and 136),
    latitude double precision check (latitude between 3 and 54),
    installed_on date,
    closed_on date,
    replacement text,
    note text,
    primary key (id, version),
    check ((version = 1) = (action = 'add')),
    check (action = 'add' or why <> '')
);
comment on table register_coal_boiler is '燃煤锅炉与炉窑; every row is a version of an entry, rows are only added 每行为一个版本，只增不改';
comment on column register_coal_boiler.capacity_t_h is 't/h 额定蒸发量';

create table register_building_site (
    id text not null check (id ~ '^[0-9A-Za-z][0-9A-Za-z._:+-]{0,119}$'),
    version int not null check (version > 0),
    action text not null check (action in ('add', 'correct', 'retire', 'restore')),
    changed_by text not null check (changed_by <> ''),
    changed_at timestamptz not null default clock_timestamp(),
    why text not null,
    area_id text not null references area,
    name_zh text not null,
    builder text,
    area_m2 double precision not null check (area_m2 >= 0),
    started_on date,
    ended_on date,
    video_connected boolean,
    video_link text,
    township text,
    longitude double precision check (longitude between 73 and 136),
    latitude double precision check (latitude between 3 and 54),
    note text,
    primary key (id, version),
    check ((version = 1) = (action = 'add')),
    check (action = 'add' or why <> '')
);
comment on table register_building_site is '建筑工地; every row is a version of an entry, rows are only added 每行为一个版本，只增不改';
comment on column register_building_site.area_m2 is 'm² 建筑面积';

create table register_clean_coal (
    id text not null check (id ~ '^[0-9A-Za-z][0-9A-Za-z._:+-]{0,119}$'),
    version int not null check (version > 0),
    action text not null check (action in ('add', 'correct', 'retire', 'restore')),
    changed_by text not null check (changed_by <> ''),
    changed_at timestamptz not null default clock_timestamp(),
    why text not null,
    area_id text not null references area,
    supplier text not null,
    sampled_on date not null,
    quantity_t double precision check (quantity_t >= 0),
    heat_kcal_kg double precision not null check (heat_kcal_kg between 0 and 9000),
    sulfur_percent double precision not null check (sulfur_percent between 0 and 100),
    ash_percent double precision not null check (ash_percent between 0 and 100),
    inspected_by text not null,
    report_number text,
    note text,
    primary key (id, version),
    check ((version = 1) = (action = 'add')),
    check (action = 'add' or why <> '')
);
comment on table register_clean_coal is '清洁煤抽检批次; every row is a version of an entry, rows are only added 每行为一个版本，只增不改';
comment on column register_clean_coal.quantity_t is 't 批量';
comment on column register_clean_coal.heat_kcal_kg is 'kcal/kg 热值';
comment on column register_clean_coal.sulfur_percent is '% 硫分';
comment on column register_clean_coal.ash_percent is '% 灰分';

grant select, insert on
    register_straw_fire, register_fume_purifier, register_fume_cleaning, register_emission, register_nonroad,
    register_coal_boiler, register_building_site, register_clean_coal to lantian_app;
