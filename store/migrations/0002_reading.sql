-- Readings: one wide hypertable per family; what one device measured in one span is one row. 监测数据。
-- Value columns, letters of `flag` and letters of `mark` have the order of domain.family. Missing values are null.
-- Chunks hold seven days; for a much larger network change it with set_chunk_time_interval(table, interval), new chunks follow.
-- No foreign keys on hypertables: the collector knows the registry (docs/decisions/0001-store-without-foreign-keys-on-readings.md).
-- No index besides the key: screens and statistics ask for devices and a span of time.

create table air_reading (
    device_id text not null,
    time timestamptz not null,
    span_s int not null,
    pm25 double precision,
    pm10 double precision,
    so2 double precision,
    no2 double precision,
    co double precision,
    o3 double precision,
    tsp double precision,
    temperature double precision,
    humidity double precision,
    pressure double precision,
    wind_speed double precision,
    wind_direction double precision,
    flag text not null,
    mark text not null,
    received_at timestamptz not null,
    primary key (device_id, time, span_s),
    constraint span_possible check (span_s between 0 and 86400),
    constraint flag_per_column check (length(flag) = 12),
    constraint mark_per_column check (length(mark) = 12)
);
comment on table air_reading is 'Readings of family air 环境空气';
comment on column air_reading.pm25 is '细颗粒物 µg/m³';
comment on column air_reading.pm10 is '可吸入颗粒物 µg/m³';
comment on column air_reading.so2 is '二氧化硫 µg/m³';
comment on column air_reading.no2 is '二氧化氮 µg/m³';
comment on column air_reading.co is '一氧化碳 mg/m³';
comment on column air_reading.o3 is '臭氧 µg/m³';
comment on column air_reading.tsp is '总悬浮颗粒物 µg/m³';
comment on column air_reading.temperature is '气温 ℃';
comment on column air_reading.humidity is '相对湿度 %';
comment on column air_reading.pressure is '气压 hPa';
comment on column air_reading.wind_speed is '风速 m/s';
comment on column air_reading.wind_direction is '风向 °';
comment on column air_reading.time is 'Start of the span 时段起点';
comment on column air_reading.span_s is 'Seconds covered, 0 = an instant 覆盖时长（秒）';
comment on column air_reading.flag is 'Quality flag per value column (QARTOD) 质量标识';
comment on column air_reading.mark is 'Status letter per value column as sent, - = none (HJ 212) 数据标记';
select create_hypertable('air_reading', by_range('time', interval '7 days'), create_default_indexes => false, if_not_exists => true);

create table stack_reading (
    device_id text not null,
    time timestamptz not null,
    span_s int not null,
    pm double precision,
    so2 double precision,
    nox double precision,
    co double precision,
    nh3 double precision,
    pm_converted double precision,
    so2_converted double precision,
    nox_converted double precision,
    co_converted double precision,
    o2 double precision,
    flow double precision,
    velocity double precision,
    flue_temperature double precision,
    flue_pressure double precision,
    flue_humidity double precision,
    flag text not null,
    mark text not null,
    received_at timestamptz not null,
    primary key (device_id, time, span_s),
    constraint span_possible check (span_s between 0 and 86400),
    constraint flag_per_column check (length(flag) = 15),
    constraint mark_per_column check (length(mark) = 15)
);
comment on table stack_reading is 'Readings of family stack 固定污染源烟气';
comment on column stack_reading.pm is '颗粒物实测 mg/m³';
comment on column stack_reading.so2 is '二氧化硫实测 mg/m³';
comment on column stack_reading.nox is '氮氧化物实测 mg/m³';
comment on column stack_reading.co is '一氧化碳实测 mg/m³';
comment on column stack_reading.nh3 is '氨 mg/m³';
comment on column stack_reading.pm_converted is '颗粒物折算 mg/m³';
comment on column stack_reading.so2_converted is '二氧化硫折算 mg/m³';
comment on column stack_reading.nox_converted is '氮氧化物折算 mg/m³';
comment on column stack_reading.co_converted is '一氧化碳折算 mg/m³';
comment on column stack_reading.o2 is '氧含量 %';
comment on column stack_reading.flow is '烟气流量 m³/s';
comment on column stack_reading.velocity is '烟气流速 m/s';
comment on column stack_reading.flue_temperature is '烟气温度 ℃';
comment on column stack_reading.flue_pressure is '烟气压力 kPa';
comment on column stack_reading.flue_humidity is '烟气湿度 %';
comment on column stack_reading.time is 'Start of the span 时段起点';
comment on column stack_reading.span_s is 'Seconds covered, 0 = an instant 覆盖时长（秒）';
comment on column stack_reading.flag is 'Quality flag per value column (QARTOD) 质量标识';
comment on column stack_reading.mark is 'Status letter per value column as sent, - = none (HJ 212) 数据标记';
select create_hypertable('stack_reading', by_range('time', interval '7 days'), create_default_indexes => false, if_not_exists => true);

create table vehicle_reading (
    device_id text not null,
    time timestamptz not null,
    span_s int not null,
    speed double precision,
    barometric_pressure double precision,
    net_torque double precision,
    friction_torque double precision,
    engine_speed double precision,
    fuel_rate double precision,
    nox_upstream double precision,
    nox_downstream double precision,
    reagent_level double precision,
    intake_air double precision,
    scr_inlet_temperature double precision,
    scr_outlet_temperature double precision,
    dpf_pressure double precision,
    coolant_temperature double precision,
    tank_level double precision,
    longitude double precision,
    latitude double precision,
    odometer double precision,
    mil double precision,
    flag text not null,
    mark text not null,
    received_at timestamptz not null,
    primary key (device_id, time, span_s),
    constraint span_possible check (span_s between 0 and 86400),
    constraint flag_per_column check (length(flag) = 19),
    constraint mark_per_column check (length(mark) = 19)
);
comment on table vehicle_reading is 'Readings of family vehicle 重型车远程排放';
comment on column vehicle_reading.speed is '车速 km/h';
comment on column vehicle_reading.barometric_pressure is '大气压力 kPa';
comment on column vehicle_reading.net_torque is '净输出扭矩 %';
comment on column vehicle_reading.friction_torque is '摩擦扭矩 %';
comment on column vehicle_reading.engine_speed is '发动机转速 r/min';
comment on column vehicle_reading.fuel_rate is '燃料流量 L/h';
comment on column vehicle_reading.nox_upstream is 'SCR上游NOx ppm';
comment on column vehicle_reading.nox_downstream is 'SCR下游NOx ppm';
comment on column vehicle_reading.reagent_level is '反应剂余量 %';
comment on column vehicle_reading.intake_air is '进气量 kg/h';
comment on column vehicle_reading.scr_inlet_temperature is 'SCR入口温度 ℃';
comment on column vehicle_reading.scr_outlet_temperature is 'SCR出口温度 ℃';
comment on column vehicle_reading.dpf_pressure is 'DPF压差 kPa';
comment on column vehicle_reading.coolant_temperature is '冷却液温度 ℃';
comment on column vehicle_reading.tank_level is '油箱液位 %';
comment on column vehicle_reading.longitude is '经度 °';
comment on column vehicle_reading.latitude is '纬度 °';
comment on column vehicle_reading.odometer is '累计里程 km';
comment on column vehicle_reading.mil is '故障灯 1';
comment on column vehicle_reading.time is 'Start of the span 时段起点';
comment on column vehicle_reading.span_s is 'Seconds covered, 0 = an instant 覆盖时长（秒）';
comment on column vehicle_reading.flag is 'Quality flag per value column (QARTOD) 质量标识';
comment on column vehicle_reading.mark is 'Status letter per value column as sent, - = none (HJ 212) 数据标记';
select create_hypertable('vehicle_reading', by_range('time', interval '7 days'), create_default_indexes => false, if_not_exists => true);

create table plant_reading (
    device_id text not null,
    time timestamptz not null,
    span_s int not null,
    power double precision,
    energy double precision,
    voltage_a double precision,
    voltage_b double precision,
    voltage_c double precision,
    current_a double precision,
    current_b double precision,
    current_c double precision,
    power_factor double precision,
    running double precision,
    load double precision,
    flag text not null,
    mark text not null,
    received_at timestamptz not null,
    primary key (device_id, time, span_s),
    constraint span_possible check (span_s between 0 and 86400),
    constraint flag_per_column check (length(flag) = 11),
    constraint mark_per_column check (length(mark) = 11)
);
comment on table plant_reading is 'Readings of family plant 工况与用电';
comment on column plant_reading.power is '有功功率 kW';
comment on column plant_reading.energy is '累计电量 kWh';
comment on column plant_reading.voltage_a is 'A相电压 V';
comment on column plant_reading.voltage_b is 'B相电压 V';
comment on column plant_reading.voltage_c is 'C相电压 V';
comment on column plant_reading.current_a is 'A相电流 A';
comment on column plant_reading.current_b is 'B相电流 A';
comment on column plant_reading.current_c is 'C相电流 A';
comment on column plant_reading.power_factor is '功率因数 1';
comment on column plant_reading.running is '运行状态 1';
comment on column plant_reading.load is '生产负荷 %';
comment on column plant_reading.time is 'Start of the span 时段起点';
comment on column plant_reading.span_s is 'Seconds covered, 0 = an instant 覆盖时长（秒）';
comment on column plant_reading.flag is 'Quality flag per value column (QARTOD) 质量标识';
comment on column plant_reading.mark is 'Status letter per value column as sent, - = none (HJ 212) 数据标记';
select create_hypertable('plant_reading', by_range('time', interval '7 days'), create_default_indexes => false, if_not_exists => true);

create table factor_reading (
    device_id text not null,
    time timestamptz not null,
    span_s int not null,
    factor text not null,
    field text not null,
    value double precision,
    text text,
    mark text not null,
    received_at timestamptz not null,
    primary key (device_id, time, span_s, factor, field),
    constraint span_possible check (span_s between 0 and 86400)
);
comment on table factor_reading is 'Whatever a device sent that has no column, as sent 其他因子';
comment on column factor_reading.factor is 'Factor code or key as sent 因子编码';
comment on column factor_reading.field is 'Suffix of the code: Rtd, Min, Max, Cou, Info ... 字段';
comment on column factor_reading.text is 'The value where it is not a number 文本值';
select create_hypertable('factor_reading', by_range('time', interval '7 days'), create_default_indexes => false, if_not_exists => true);

create table raw_frame (
    received_at timestamptz not null,
    device_id text,
    topic text not null,
    payload bytea not null,
    outcome text not null check (outcome in ('stored', 'duplicate', 'revised')),
    batch_id bigint not null
);
comment on table raw_frame is 'Every accepted message as received; rejected ones are in reject 原始报文';
select create_hypertable('raw_frame', by_range('received_at', interval '1 day'), create_default_indexes => false, if_not_exists => true);
-- Frames arrive in order of time, so a block range index finds them for a hundredth of what a B-tree costs.
create index raw_frame_received on raw_frame using brin (received_at) with (pages_per_range = 32, autosummarize = on);

create table reject (
    id bigint generated always as identity primary key,
    received_at timestamptz not null,
    topic text not null,
    payload bytea not null,
    device_id text,
    reason text not null,
    detail text not null,
    batch_id bigint not null,
    replayed_at timestamptz,
    replay_outcome text,
    check ((replayed_at is null) = (replay_outcome is null))
);
create index reject_received on reject (received_at);
create index reject_waiting on reject (reason, id) where replayed_at is null;
comment on table reject is 'Rejected messages with their bytes and the reason; replayed once the cause is put right 拒收报文';

create table revision (
    id bigint generated always as identity primary key,
    family text not null check (family in ('air', 'stack', 'vehicle', 'plant', 'factor')),
    device_id text not null,
    time timestamptz not null,
    span_s int not null,
    factor text not null default '',
    field text not null default '',
    new_values jsonb not null check (jsonb_typeof(new_values) = 'object'),
    flag text not null,
    mark text not null,
    received_at timestamptz not null,
    announced boolean not null,
    status text not null check (status in ('proposed', 'accepted', 'refused')),
    decided_by text,
    decided_at timestamptz,
    reason text,
    digest text not null generated always as (md5(new_values::text || ' ' || mark)) stored,
    constraint mark_per_column check (family = 'factor' or length(mark) = length(flag)),
    check ((status = 'proposed') = (decided_at is null)),
    check ((decided_at is null) = (decided_by is null)),
    unique (device_id, time, span_s, family, factor, field, digest)
);
create index revision_waiting on revision (id) where status = 'proposed';
create index revision_decided on revision (decided_at) where decided_at is not null;
comment on table revision is 'Other values for a key that is stored: kept, counted once accepted; the original stays 数据修正';
comment on column revision.new_values is 'The whole row: column -> number or null; for a factor: value and text 新值';
comment on column revision.announced is 'The message called itself a correction 设备声明为修正';
comment on column revision.decided_by is 'Person, or the rule that accepted it at once 审核人';

create table ledger (
    id bigint generated always as identity primary key,
    collector text not null,
    opened_at timestamptz not null,
    committed_at timestamptz not null default clock_timestamp(),
    received int not null,
    stored int not null,
    duplicate int not null,
    revised int not null,
    rejected int not null,
    rows_stored int not null,
    rows_duplicate int not null,
    rows_revised int not null,
    constraint every_message_accounted_for check (received = stored + duplicate + revised + rejected),
    check (least(stored, duplicate, revised, rejected, rows_stored, rows_duplicate, rows_revised) >= 0)
);
create index ledger_committed on ledger (committed_at);
comment on table ledger is 'One row per committed batch: every message received is accounted for 收支台账';

-- Queues of what must be computed again: appended to without waiting, claimed with `for update skip locked`.
create table dirty_hour (
    id bigint generated always as identity primary key,
    family text not null check (family in ('air', 'stack', 'vehicle', 'plant')),
    site_id text not null,
    hour timestamptz not null check (date_trunc('hour', hour, 'UTC') = hour),
    marked_at timestamptz not null default clock_timestamp()
);
create table dirty_day (
    id bigint generated always as identity primary key,
    site_id text not null,
    day date not null,
    marked_at timestamptz not null default clock_timestamp()
);
create table dirty_period (
    id bigint generated always as identity primary key,
    site_id text not null,
    kind text not null check (kind in ('month', 'quarter', 'year')),
    start date not null,
    marked_at timestamptz not null default clock_timestamp()
);
comment on table dirty_hour is 'Hours whose readings changed 待重算小时';
comment on table dirty_day is 'Local days whose hours changed 待重算日';
comment on table dirty_period is 'Months, quarters, years whose days changed 待重算时段';
