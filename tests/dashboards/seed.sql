-- A small county with two years of days and three days of hours, relative to now, written straight into the tables.
-- The shipped registry is there already; statistics are made up but consistent enough for every panel to have rows.

insert into air_hour (site_id, hour, pm25, pm10, so2, no2, co, o3, minutes, flag, iaqi_pm25, aqi, aqi_available, level,
    primary_pollutants, edition)
select s.id, h.hour, 40.5 + n, 80.2 + n, 12.5, 33.5, 0.85, 90.4, array_fill(60::smallint, array[12]), repeat('1', 12),
    case when n % 6 = 0 then 151 else 70 end, case when n % 6 = 0 then 151 else 70 end,
    case when n % 6 = 0 then 151 else 70 end, case when n % 6 = 0 then 4 else 2 end, array['pm25', 'o3'], 'hj633-2026'
from site s
cross join lateral (
    select date_trunc('hour', now()) - n * interval '1 hour' as hour, n from generate_series(1, 72) as n
) h
where s.id in ('zhongyang', 'ningxiang', 'jinluo', 'micro-ningxiang-1');

-- Half of the last day is missing at one station.
delete from air_hour where site_id = 'jinluo' and hour >= date_trunc('hour', now()) - interval '12 hours';

insert into air_day (site_id, day, pm25, pm10, so2, no2, co, o3_8h, hours, o3_windows, aqi, aqi_available, level,
    primary_pollutants, edition)
select s.id, screen.today() - n, 28.4 + (n % 7), 60.1, 11.2, 30.5, 0.9, 101.0, array[24, 24, 23, 24, 24, 20]::smallint[], 17,
    78, 78, 2, array['pm25'], 'hj633-2026'
from site s cross join generate_series(0, 729) as n
where s.id in ('zhongyang', 'ningxiang');

insert into period_statistic (site_id, kind, start, pollutant, statistic, value, published, valid_days, days, valid,
    limit_value, limit_edition, complies)
select 'zhongyang', k.kind, k.start, p.pollutant, p.statistic, p.value, round(p.value), 300, 320, k.kind = 'month',
    case when k.kind = 'year' then p.limit_value end, '2026-transitional', case when k.kind = 'year' then p.value <= p.limit_value end
from (values
    ('pm25', 'mean', 31.4, 30.0), ('pm25', 'p95', 58.0, 60.0), ('pm10', 'mean', 61.0, 60.0), ('pm10', 'p95', 110.0, 120.0),
    ('so2', 'mean', 12.0, 60.0), ('so2', 'p98', 33.0, 150.0), ('no2', 'mean', 31.0, 40.0), ('no2', 'p98', 66.0, 80.0),
    ('co', 'p95', 1.4, 4.0), ('o3', 'p90', 148.0, 160.0)
) as p (pollutant, statistic, value, limit_value)
cross join (
    select 'year' as kind, make_date(extract(year from screen.today())::integer - n, 1, 1) as start from generate_series(0, 1) as n
    union all
    select 'month', make_date(extract(year from screen.today())::integer, n, 1) from generate_series(1, 3) as n
) as k;

insert into period_summary (site_id, kind, start, valid_days, days, days_by_level, good_days, good_day_ratio, complies,
    limit_edition, aqi_edition)
select site_id, kind, start, 300, 320, array[100, 160, 30, 6, 3, 1]::smallint[], 260, 86.7, null, '2026-transitional', 'hj633-2026'
from period_statistic group by site_id, kind, start;

-- The year in which the plan is due is over, the running one is not.
insert into target_actual (area_id, target_id, period_start, as_of, value, published, status, valid_days, remaining_days,
    allowed_mean, complete)
values
    ('zhongyang', 'pm25_annual', '2025-01-01', '2025-12-31', 29.6, 30, 'met', 360, 0, null, true),
    ('zhongyang', 'pm25_annual', make_date(extract(year from screen.today())::integer, 1, 1), screen.today(), 31.4, 31, 'at_risk',
        300, 45, 20.7, false),
    ('zhongyang', 'pm25_annual_class2', '2025-01-01', '2025-12-31', 29.6, 30, 'met', 360, 0, null, true),
    ('zhongyang', 'so2_annual', '2024-01-01', '2024-12-31', 14.2, 14, 'no_data', 200, 0, null, true),
    ('zhongyang', 'grade_b_named', '2024-01-01', screen.today(), 1, 1, 'missed', null, 0, null, true),
    ('zhongyang', 'coal_total', '2025-01-01', screen.today(), null, null, 'awaiting_report', null, null, null, true),
    ('zhongyang', 'monitor_online', date_trunc('month', screen.today())::date, screen.today(), 97.25, 97.2, 'on_track', null, 10, null,
        false);

insert into device_state (device_id, last_received_at, last_time, last_error, last_error_at, link, link_at)
values
    ('ningxiang-air', now(), now() - interval '1 minute', null, null, 'online', now()),
    ('jinluo-air', now() - interval '20 minutes', now() - interval '20 minutes', null, null, 'online', now()),
    ('zhike-air', now() - interval '13 hours', now() - interval '13 hours', 'crc_mismatch: found 1234, expected 5678', now(),
        'offline', now());

insert into ledger (collector, opened_at, committed_at, received, stored, duplicate, revised, rejected, rows_stored,
    rows_duplicate, rows_revised)
select 'test', now() - n * interval '1 hour' - interval '0.3 s', now() - n * interval '1 hour', 100, 90, 5, 3, 2, 90, 5, 3 from generate_series(0, 5) as n;

insert into reject (received_at, topic, payload, device_id, reason, detail, batch_id)
values
    (now() - interval '50 minutes', 'lt/v1/zhongyang/hj212/zhike-air/data', '##0000', 'zhike-air', 'crc_mismatch',
        'found 1234, expected 5678', 1),
    (now() - interval '51 minutes', 'lt/v1/zhongyang/json/nobody/data', '{}', null, 'unknown_device', 'nobody', 1);

insert into revision (family, device_id, time, span_s, new_values, flag, mark, received_at, announced, status)
values ('air', 'ningxiang-air', now() - interval '3 hours', 60, '{"pm25": 41}', repeat('1', 12), repeat('-', 12), now(), true,
    'proposed');

insert into job_run (job, began_at, ended_at, outcome, counts, error_code, error)
values ('tidy', now() - interval '2 hours', now() - interval '119 minutes', 'done', '{"job_runs": 3}', null, null),
    ('settle', now() - interval '1 hour', now() - interval '59 minutes', 'failed', '{}', 'store', 'no such column');

insert into device_day (device_id, day, messages, readings, carried, usable)
values ('ningxiang-air', screen.today(), 100, 100, 1200, 1180), ('jinluo-air', screen.today(), 80, 80, 960, 900);

insert into site (id, area_id, kind, name_zh) values ('seed-truck', 'zhongyang', 'vehicle', '晋J12345');
insert into device (id, site_id, protocol, family, mn, span_s, interval_s)
values ('seed-truck', 'seed-truck', 'gb17691', 'vehicle', 'LSEED000000000001', 0, 10);
insert into vehicle_reading (device_id, time, span_s, speed, engine_speed, nox_upstream, nox_downstream, reagent_level,
    scr_inlet_temperature, scr_outlet_temperature, dpf_pressure, coolant_temperature, tank_level, longitude, latitude, odometer,
    mil, flag, mark, received_at)
select 'seed-truck', date_trunc('second', now()) - n * interval '10 minutes', 0, 45, 1400, 600, 90, 55, 260, 250, 1.2, 82, 60,
    111.19, 37.35, 123456, 0, repeat('1', 19), repeat('-', 19), now() from generate_series(0, 60) as n;
insert into device_state (device_id, last_received_at, last_time)
select 'seed-truck', now(), max(time) from vehicle_reading;
-- Nothing is due from a device that was registered a moment ago.
update device set registered_at = now() - interval '40 days';

insert into site (id, area_id, enterprise_id, kind, name_zh)
values ('seed-sinter-stack', 'zhongyang', 'zhongyang-steel', 'stack', '烧结机头'), ('seed-sinter-plant', 'zhongyang', 'zhongyang-steel', 'plant', '烧结用电');
insert into outlet (site_id, valid_from, kind, permitted_pm_t, permitted_so2_t, permitted_nox_t)
values ('seed-sinter-stack', '2025-01-01', 'sinter_head', 100, 300, 400);
insert into stack_hour (site_id, hour, pm, pm_converted, pm_limit, pm_over, pm_kg, so2, so2_converted, so2_limit, so2_over, so2_kg,
    nox, nox_converted, nox_limit, nox_over, nox_kg, nh3, o2, flow, minutes, flag, state, kind)
select 'seed-sinter-stack', date_trunc('hour', now()) - n * interval '1 hour', 6, case when n = 2 then 12 else 7 end, 10, n = 2, 5, 20, 22,
    35, false, 18, 35, 40, 50, false, 33, 1.5, 15.5, 260, array_fill(60::smallint, array[15]), repeat('1', 15), 'running', 'sinter_head'
from generate_series(1, 72) as n;
insert into stack_month (site_id, month, pollutant, hours, operating_hours, judged_hours, over_hours, percent, met, kg,
    missing_hours, permitted_t)
select 'seed-sinter-stack', date_trunc('month', screen.today())::date, p, 500, 480, 470, 1, 99.8, true, 4200, 2,
    case when p <> 'any' then 100 end
from unnest(array['pm', 'so2', 'nox', 'any']) as p;
insert into device (id, site_id, protocol, family, span_s, interval_s)
values ('seed-sinter-meter', 'seed-sinter-plant', 'json', 'plant', 0, 60), ('seed-sinter-treatment', 'seed-sinter-plant', 'json', 'plant', 0, 60);
insert into production_line (line_id, enterprise_id, name_zh, kind, treats_line_id, outlet_site_id)
values ('seed-sinter', 'zhongyang-steel', '烧结线', 'production', null, 'seed-sinter-stack'),
    ('seed-sinter-fgd', 'zhongyang-steel', '烧结脱硫', 'treatment', 'seed-sinter', 'seed-sinter-stack');
insert into line_meter (line_id, device_id) values ('seed-sinter', 'seed-sinter-meter'), ('seed-sinter-fgd', 'seed-sinter-treatment');
insert into plant_hour (device_id, hour, power, energy, running, load, minutes)
select d, date_trunc('hour', now()) - n * interval '1 hour', 9000, 9000, 1, 88, array_fill(60::smallint, array[4])
from generate_series(1, 72) as n cross join unnest(array['seed-sinter-meter', 'seed-sinter-treatment']) as d;

-- Micro stations: hours, a calibration and corrected hours of one, a finding.
insert into device_hour (device_id, hour, mean, low, high, minutes)
select d, date_trunc('hour', now()) - n * interval '1 hour', array_fill(case when d = 'micro-jinluo-1' then 160.0 else 50.0 + n end, array[12]),
    array_fill(40.0::float8, array[12]), array_fill(170.0::float8, array[12]), array_fill(60::smallint, array[12])
from generate_series(1, 60) as n cross join unnest(array['micro-ningxiang-1', 'micro-ningxiang-2', 'micro-zhike-1', 'micro-jinluo-1']) as d;
insert into calibration (device_id, pollutant, version, reference_site_id, distance_m, train_from, train_to, terms, coefficients, low,
    high, n, r, rmse, bias, rmse_raw, bias_raw, reason, fitted_at, fitted_by)
select 'micro-ningxiang-1', p, 1, 'ningxiang', 900, now() - interval '30 days', now() - interval '2 days', array['constant', 'raw'],
    array[1, 0.9]::float8[], array[0, 0, -20]::float8[], array[500, 100, 40]::float8[], 500, 0.95, 6, 0.1, 14, 9, '', now(), 'test'
from unnest(array['pm25', 'pm10', 'so2', 'no2', 'co', 'o3']) as p;
insert into calibrated_hour (device_id, hour, pm25, calibration, extrapolated)
select device_id, hour, mean[1] * 0.9, array[c.id, null, null, null, null, null], array_fill(false, array[6])
from device_hour join calibration c using (device_id) where c.pollutant = 'pm25';
insert into quality_result (device_id, time, level, span_s, failed, flag)
select 'micro-jinluo-1', date_trunc('hour', now()) - interval '3 hours', 'hour', 3600,
    array[(select min(bit) from quality_test), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]::smallint[], '322222222222';

-- A station with all six pollutants of two years, so that it has a rank and a change.
insert into period_statistic (site_id, kind, start, pollutant, statistic, value, published, valid_days, days, valid,
    limit_value, limit_edition, complies)
select 'ningxiang', 'year', (start + n * interval '1 year')::date, pollutant, statistic, value * (1 + n * 0.1), published, valid_days, days,
    valid, limit_value, limit_edition, complies
from period_statistic cross join generate_series(-1, 0) as n
where site_id = 'zhongyang' and kind = 'year' and extract(year from start) = extract(year from screen.today());

-- Hints of the wind of two micro stations: high from the south-west.
insert into source_hint (site_id, pollutant, days, first_hour, last_hour, threshold, hours, means, speeds, probabilities, calm_hours,
    calm_mean, surface_speeds, surface)
select s, p, days, now() - days * interval '1 day', now(), 60, array_fill(20, array[16]),
    array[40, 41, 42, 43, 44, 45, 46, 47, 60, 80, 95, 70, 50, 45, null, 40]::float8[], array_fill(2.0::float8, array[16]),
    array[0, 0, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.4, 0.6, 0.8, 0.5, 0.2, 0.1, null, 0]::float8[], 12, 55, array[0.5, 2, 4, 6],
    array_fill(50.0::float8, array[62]) || array[null, null]::float8[]
from unnest(array['micro-ningxiang-1', 'micro-jinluo-1']) as s cross join unnest(array['pm25', 'pm10', 'so2', 'no2', 'co', 'o3']) as p
cross join unnest(array[7, 30]) as days;

insert into forecast_skill (site_id, basis, kind, item, lead, first_hour, last_hour, count, rmse, rmse_persistence, rmse_climatology,
    bias, coverage, computed_at)
values ('zhongyang', 'issued', 'day', 'aqi', 1, now() - interval '30 days', now(), 30, 22, 30, 41, 1.5, 0.8, now());

insert into time_window_due (area_id, window_id, starts_at, ends_at, state, reason_zh)
select area_id, id, screen.midnight(screen.today()), screen.midnight(screen.today()) + interval '3 hours', 'in_force', '无雨，湿度 40 %'
from time_window where area_id = 'zhongyang';

insert into dust_interval (area_id, site_id, starts_at, ends_at, source, entered_by, reason, entered_at)
values ('zhongyang', null, now() - interval '20 hours', now() - interval '14 hours', '总站函', 'test', '已确认', now()),
    ('zhongyang', 'jinluo', now() - interval '30 hours', now() - interval '28 hours', '总站函', 'test', '误报', now());
insert into dust_withdrawal (dust_id, withdrawn_by, reason, withdrawn_at)
select id, 'test', '误报', now() from dust_interval where site_id = 'jinluo';
insert into period_without_dust (site_id, kind, start, pollutant, statistic, value, published, valid_days, valid)
select site_id, kind, start, pollutant, statistic, value - 4, published - 4, valid_days - 3, valid
from period_statistic where site_id in ('zhongyang', 'ningxiang') and kind = 'year' and pollutant = 'pm10';

insert into rolling_statistic (site_id, kind, start, last_day, pollutant, statistic, value, published, without_dust_value,
    without_dust_published, valid_days, days, valid, limit_value, limit_edition)
select 'zhongyang', kind, last_day - days + 1, last_day, 'pm10', 'mean', 61.2, 61, 57.4, 57, days - 9, days, true, 60, '2026-transitional'
from (values
    ('rolling12', (date_trunc('month', screen.today()) - interval '1 day')::date, 365),
    ('rolling12', (date_trunc('month', screen.today()) - interval '1 month 1 day')::date, 365),
    ('three-years', (date_trunc('year', screen.today()) - interval '1 day')::date, 1096)
) as r (kind, last_day, days);

-- A stack south-west of a micro station, and one the wind never brought anything from.
update site set longitude = n.longitude - 0.05, latitude = n.latitude - 0.04
from (select longitude, latitude from site where id = 'micro-ningxiang-1') as n where id = 'seed-sinter-stack';
update site set longitude = n.longitude - 0.001, latitude = n.latitude + 0.04
from (select longitude, latitude from site where id = 'micro-ningxiang-1') as n where id = 'seed-sinter-plant';

-- An enterprise whose line is registered before any place of it.
insert into enterprise (id, area_id, name_zh, industry) values ('seed-only-line', 'zhongyang', '只有生产线的企业', '建材');
insert into production_line (line_id, enterprise_id, name_zh, kind) values ('seed-only-line', 'seed-only-line', '窑', 'production');
