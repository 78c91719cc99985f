-- A database of the first schema (migration 5). Site s1 has two local days of minutes, 1 and 2 March 2026; the mean of
-- PM2.5 of the n-th hour is n - 1 µg/m³ (0 to 47). Six batches of 480 messages brought them.
create temp view hours as select * from generate_series(
    timestamptz '2026-02-28 16:00+00', '2026-03-02 15:00+00', '1 hour') with ordinality h (hour, n);
insert into area (id, name_zh) values ('x', '旧县');
insert into enterprise (id, area_id, name_zh, industry) values ('works', 'x', '旧焦化', 'coking');
insert into site (id, area_id, enterprise_id, kind, name_zh, evaluated) values
    ('x', 'x', null, 'area', '旧县', false), ('s1', 'x', null, 'ambient', '一号站', true),
    ('chimney', 'x', 'works', 'stack', '烟囱', false), ('mill', 'x', 'works', 'plant', '车间', false);
insert into device (id, site_id, protocol, family, mn, span_s, interval_s, registered_at) values
    ('d1', 's1', 'json', 'air', null, 60, 60, '2026-01-01'), ('cems', 'chimney', 'hj212', 'stack', 'M1', 60, 60, '2026-01-01'),
    ('meter', 'mill', 'hj212', 'plant', 'M2', 60, 60, '2026-01-01');
insert into air_reading (device_id, time, span_s, pm25, flag, mark, received_at)
select 'd1', hour + m * interval '1 minute', 60, n - 1 + (m - 29.5) * 0.01, '199999999999', 'N-----------', hour + m * interval '1 minute'
from hours, generate_series(0, 59) m;
insert into stack_reading (device_id, time, span_s, so2, flag, mark, received_at)
select 'cems', hour, 3600, 20, '919999999999999', '-N-------------', hour from hours;
insert into plant_reading (device_id, time, span_s, power, flag, mark, received_at)
select 'meter', hour + m * interval '1 minute', 60, 100, '19999999999', 'N----------', hour
from hours, generate_series(0, 59) m;
insert into factor_reading (device_id, time, span_s, factor, field, value, mark, received_at)
values ('cems', '2026-03-01', 60, 'a99999', 'Rtd', 3.5, 'N', '2026-03-01');
insert into ledger (collector, opened_at, committed_at, received, stored, duplicate, revised, rejected, rows_stored,
    rows_duplicate, rows_revised)
select 'lantian-collector-1', hour, hour, 480, 480, 0, 0, 0, 480, 0, 0 from hours where n % 8 = 0;
insert into ledger (collector, opened_at, committed_at, received, stored, duplicate, revised, rejected, rows_stored,
    rows_duplicate, rows_revised) values ('lantian-collector-1', '2026-03-02', '2026-03-02', 1, 0, 0, 0, 1, 0, 0, 0);
insert into raw_frame (received_at, device_id, topic, payload, outcome, batch_id)
select time, 'd1', 'lt/v1/x/json/d1/data', convert_to(pm25::text, 'UTF8'), 'stored', (row_number() over (order by time) - 1) / 480 + 1
from air_reading;
insert into reject (received_at, topic, payload, device_id, reason, detail, batch_id)
values ('2026-03-02', 'lt/v1/x/json/d1/data', '\xff00', 'd1', 'bad_json', 'found bytes, expected JSON', 7);
insert into revision (family, device_id, time, span_s, new_values, flag, mark, received_at, announced, status)
values ('air', 'd1', '2026-02-28 16:00+00', 60, '{"pm25": 500}', '199999999999', 'N-----------', '2026-03-02', false, 'proposed');
insert into air_hour (site_id, hour, pm25, minutes, flag, edition)
select 's1', hour, n - 1, array[60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], '199999999999', 'GB3095-2012' from hours;
insert into air_day (site_id, day, pm25, hours, edition) values
    ('s1', '2026-03-01', 11.5, '{24, 0, 0, 0, 0, 0}', 'GB3095-2012'), ('s1', '2026-03-02', 35.5, '{24, 0, 0, 0, 0, 0}', 'GB3095-2012');
insert into dirty_hour (family, site_id, hour) values ('air', 's1', '2026-03-02 15:00+00');
