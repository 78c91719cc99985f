-- What a database had besides when its schema was that of migration 62.
insert into job_run (job, began_at, ended_at, outcome, counts) values ('quality', '2026-03-02', '2026-03-02', 'done', '{}');
insert into review (device_id, family, low, high, columns, verdict, proposed_by, proposed_at, why)
values ('d1', 'air', '2026-02-28 17:00+00', '2026-02-28 18:00+00', '{pm25}', 'invalid', 'an', '2026-03-02', '校准');
insert into review_step (review_id, action, proposed_by, done_by, why) values (1, 'confirm', 'an', 'bo', '同意');
insert into register_straw_fire (id, version, action, changed_by, why, area_id, seen_at, longitude, latitude, source, result)
values ('f1', 1, 'add', 'an', '', 'x', '2026-03-01', 111, 37, 'satellite', 'pending'),
    ('f1', 2, 'correct', 'an', '核实', 'x', '2026-03-01', 111, 37, 'satellite', 'confirmed');
insert into quality_result (device_id, time, level, span_s, failed, flag)
values ('d1', '2026-03-01', 'hour', 3600, array_fill(0::smallint, array[12]), repeat('2', 12));
insert into integrity_finding (kind, kind_zh, family, device_id, site_id, began_at, basis)
values ('constant', '恒值', 'stack', 'cems', 'chimney', '2026-03-01', 'HJ 75');
insert into integrity_event (finding_id, event, ended_at, text_zh, evidence) values (1, 'opened', '2026-03-02', '二氧化硫恒定', '{}');
insert into integrity_event (finding_id, event, decided_by, why) values (1, 'confirmed', 'bo', '现场核实');
insert into device_request (device_id, qn, command, topic, payload, requested_by)
values ('cems', '20260301000000000', '3012', 'lt/v1/x/hj212/cems/cmd', 'x', 'an');
insert into external_order (area_id, authority, issuer_zh, document, minimum_level, valid_from, entered_by, entered_at)
values ('x', 'city', '市应急办', '1号', 'yellow', '2026-03-01', 'an', '2026-03-01');
insert into warning_event (warning_id, area_id, at, action, before, after, proposed_level, starts_at, ends_at, rules,
    by_whom, why, evidence)
select 0, 'x', '2026-03-01 00:00+00', 'propose', '', 'proposed', 'yellow', '2026-03-01', '2026-03-03', '2024', 'an', '预测', '{}';
insert into warning_event (warning_id, area_id, at, action, before, after, starts_at, ends_at, rules, by_whom, why, evidence)
select 0, 'x', '2026-03-01 01:00+00', 'confirm', '', 'yellow', '2026-03-01', '2026-03-03', '2024', 'bo', '同意', '{}';
