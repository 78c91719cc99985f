-- Rows of a large county for benchmarks/panels.py, block by block; %(stations)s, %(hours)s, %(minutes)s and %(now)s are filled in.

-- sites
insert into site (id, area_id, kind, name_zh, township, longitude, latitude, evaluated)
select 'bench-' || at, 'zhongyang', case when at %% 15 = 0 then 'ambient' else 'micro' end, '站' || at, '乡镇' || at %% 12,
    111 + random() / 5, 37.2 + random() / 5, at %% 15 = 0
from generate_series(1, %(stations)s) at;

-- devices
insert into device (id, site_id, protocol, family, span_s, interval_s)
select s.id, s.id, 'json', 'air', 60, 60 from site s where s.id like 'bench-%%';

-- air_hour
insert into air_hour (site_id, hour, pm25, pm10, so2, no2, co, o3, temperature, humidity, wind_speed, wind_direction, minutes,
    flag, iaqi_pm25, aqi, aqi_available, level, primary_pollutants, edition)
select s.id, date_trunc('hour', %(now)s::timestamptz) - n * interval '1 hour', 20 + 60 * random(), 40 + 90 * random(),
    5 + 10 * random(), 10 + 40 * random(), random(), 30 + 120 * random(), 10, 50, 2, 180,
    array_fill(60::smallint, array[12]), repeat('1', 12), 70, 70, 70, 2, array['pm25'], 'hj633-2026'
from generate_series(1, %(hours)s) n cross join (select id from site where id like 'bench-%%' or id = 'zhongyang') s;

-- device_hour
insert into device_hour (device_id, hour, mean, low, high, minutes)
select d.id, date_trunc('hour', %(now)s::timestamptz) - n * interval '1 hour',
    array[20 + 60 * random(), 90, 10, 30, 1, 80, 'NaN', 10, 50, 900, 2, 180]::float8[], array_fill(0::float8, array[12]),
    array_fill(200::float8, array[12]), array_fill(60::smallint, array[12])
from generate_series(1, %(hours)s) n
cross join (select d.id from device d join site s on s.id = d.site_id where d.id like 'bench-%%' and s.kind = 'micro') d;

-- calibration
insert into calibration (device_id, pollutant, version, reference_site_id, distance_m, train_from, train_to, terms,
    coefficients, low, high, n, r, rmse, bias, rmse_raw, bias_raw, reason, fitted_at, fitted_by)
select d.id, 'pm25', 1, 'ningxiang', 900, %(now)s::timestamptz - interval '60 days', %(now)s::timestamptz - interval '30 days',
    array['constant', 'raw'], array[1, 0.9]::float8[], array[0, 0, -20]::float8[], array[500, 100, 40]::float8[], 500, 0.95, 6,
    0.1, 14, 9, '', %(now)s, 'bench'
from device d join site s on s.id = d.site_id where d.id like 'bench-%%' and s.kind = 'micro';

-- calibrated_hour
insert into calibrated_hour (device_id, hour, pm25, calibration, extrapolated)
select h.device_id, h.hour, h.mean[1] * 0.9, array[c.id, null, null, null, null, null], array_fill(false, array[6])
from device_hour h join calibration c using (device_id);

-- air_day
insert into air_day (site_id, day, pm25, pm10, so2, no2, co, o3_8h, hours, o3_windows, aqi, aqi_available, level,
    primary_pollutants, edition)
select s.id, (%(now)s::timestamptz at time zone 'UTC')::date - n, 40, 80, 10, 30, 0.9, 100,
    array[24, 24, 23, 24, 24, 20]::smallint[], 17, 78, 78, 2, array['pm25'], 'hj633-2026'
from generate_series(0, %(hours)s / 24) n cross join (select id from site where id like 'bench-%%' or id = 'zhongyang') s;

-- air_reading
insert into air_reading (device_id, time, span_s, pm25, pm10, so2, no2, co, o3, temperature, humidity, wind_speed, flag, mark,
    received_at)
select d.id, date_trunc('minute', %(now)s::timestamptz) - n * interval '1 minute', 60, 60 * random(), 90, 10, 30, 1, 80, 10, 50, 2,
    '111111911911', '------------', %(now)s
from generate_series(1, %(minutes)s) n cross join (select id from device where id like 'bench-%%') d;

-- device_state
insert into device_state (device_id, last_received_at, last_time, link, link_at)
select id, %(now)s, %(now)s::timestamptz - interval '1 minute', 'online', %(now)s from device;

-- device_day
insert into device_day (device_id, day, messages, readings, carried, usable)
select d.id, (%(now)s::timestamptz at time zone 'UTC')::date - n, 1440, 1440, 15000, 14900
from device d cross join generate_series(0, 31) n;

-- stack_hour
insert into stack_hour (site_id, hour, pm, pm_converted, pm_limit, pm_over, pm_kg, so2, so2_converted, so2_limit, so2_over,
    so2_kg, nox, nox_converted, nox_limit, nox_over, nox_kg, nh3, o2, flow, minutes, flag, state, kind)
select s.id, date_trunc('hour', %(now)s::timestamptz) - n * interval '1 hour', 6, 5 + 6 * random(), 10, random() < 0.01, 5, 20,
    22, 35, false, 18, 35, 40, 50, false, 33, 1.5, 15.5, 260, array_fill(60::smallint, array[15]), repeat('1', 15), 'running',
    'sinter_head'
from generate_series(1, %(hours)s) n cross join (select id from site where kind = 'stack') s;

-- plant_hour
insert into plant_hour (device_id, hour, power, energy, running, load, minutes)
select d.id, date_trunc('hour', %(now)s::timestamptz) - n * interval '1 hour', 9000 * random(), 9000, 1, 88,
    array_fill(60::smallint, array[4])
from generate_series(1, %(hours)s) n cross join (select id from device where family = 'plant') d;

-- stack_month
insert into stack_month (site_id, month, pollutant, hours, operating_hours, judged_hours, over_hours, percent, met, kg,
    missing_hours, permitted_t)
select s.id, (date_trunc('month', %(now)s::timestamptz) - n * interval '1 month')::date, p, 700, 690, 680, 3, 99.5, true, 4000, 1, 90
from generate_series(0, 11) n cross join (select id from site where kind = 'stack') s
cross join unnest(array['pm', 'so2', 'nox', 'any']) p;

-- vehicle_reading
insert into vehicle_reading (device_id, time, span_s, speed, engine_speed, nox_upstream, nox_downstream, reagent_level,
    scr_inlet_temperature, scr_outlet_temperature, dpf_pressure, coolant_temperature, tank_level, longitude, latitude, odometer,
    mil, flag, mark, received_at)
select d.id, date_trunc('minute', %(now)s::timestamptz) - n * interval '10 seconds', 0, 45, 1400, 600, 90, 55, 260, 250, 1.2, 82, 60,
    111.19, 37.35, 123456, 0, repeat('1', 19), repeat('-', 19), %(now)s
from generate_series(6, %(minutes)s * 6 / 10) n cross join (select id from device where family = 'vehicle') d;

-- ledger
insert into ledger (collector, opened_at, committed_at, received, stored, duplicate, revised, rejected, rows_stored,
    rows_duplicate, rows_revised)
select 'bench', %(now)s::timestamptz - n * interval '2 seconds' - interval '0.3 s', %(now)s::timestamptz - n * interval '2 seconds',
    100, 100, 0, 0, 0, 100, 0, 0
from generate_series(%(minutes)s * 30, 0, -1) n;

-- reject
insert into reject (received_at, topic, payload, device_id, reason, detail, batch_id)
select %(now)s::timestamptz - n * interval '1 minute', 'lt/v1/zhongyang/json/bench-1/data', '{}', 'bench-1', 'bad_time', 'x', 1
from generate_series(1, %(minutes)s) n;

-- neighbour
insert into neighbour (id, name_zh) select 'neighbour-' || at, '邻县' || at from generate_series(1, 10) at;

-- exchange_receipt
insert into exchange_receipt (neighbour_id, source, sha256, received_at, received, stored, duplicate, revised, rejected, faults)
select id, 'bench', repeat('0', 64), %(now)s, 1, 1, 0, 0, 0, '{}' from neighbour;

-- neighbour_hour
insert into neighbour_hour (neighbour_id, site_id, hour, version, site_zh, pm25, pm10, so2, no2, co, o3, aqi, aqi_available, level,
    primary_pollutants, edition, receipt_id)
select n.id, n.id || case when at = 0 then '' else '-' || at end, date_trunc('hour', %(now)s::timestamptz) - h * interval '1 hour', 1,
    n.name_zh, 60 * random(), 90, 10, 30, 1, 80, 78, 78, 2, array['pm25'], 'hj633-2026', r.id
from generate_series(1, %(hours)s) h cross join generate_series(0, 5) at cross join neighbour n
join exchange_receipt r on r.neighbour_id = n.id;

-- neighbour_warning
insert into neighbour_warning (neighbour_id, warning, version, level, issued_at, starts_at, ends_at, receipt_id)
select n.id, at::text, 1, 'yellow', %(now)s::timestamptz - at * interval '5 days', %(now)s::timestamptz - at * interval '5 days',
    %(now)s::timestamptz - at * interval '5 days' + interval '2 days', r.id
from neighbour n join exchange_receipt r on r.neighbour_id = n.id cross join generate_series(1, 70) at;
