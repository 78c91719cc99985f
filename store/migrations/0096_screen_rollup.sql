-- What long ranges read: hours of the ledger added up, and micro-station hours without rounding every one. 汇总与取数视图。

create table ledger_hour (
    hour timestamptz not null,
    collector text not null,
    batches bigint not null,
    received bigint not null,
    stored bigint not null,
    duplicate bigint not null,
    revised bigint not null,
    rejected bigint not null,
    rows_stored bigint not null,
    rows_duplicate bigint not null,
    rows_revised bigint not null,
    through_id bigint not null,
    settled_at timestamptz not null default now(),
    primary key (hour, collector)
);
comment on table ledger_hour is 'Batches of the ledger added up by hour, as far as through_id; what is newer is added by the view 台账小时汇总';
grant select, insert, update on ledger_hour to lantian_app;

-- Hours added up, and the batches since. A batch belongs to the hour in which it was committed.
create or replace view screen.ledger_hour as
select t.hour, sum(t.batches)::bigint as batches, sum(t.received)::bigint as received, sum(t.stored)::bigint as stored,
    sum(t.duplicate)::bigint as duplicate, sum(t.revised)::bigint as revised, sum(t.rejected)::bigint as rejected,
    sum(t.rows_stored)::bigint as rows_stored, sum(t.rows_duplicate)::bigint as rows_duplicate,
    sum(t.rows_revised)::bigint as rows_revised
from (
    select hour, batches, received, stored, duplicate, revised, rejected, rows_stored, rows_duplicate, rows_revised
    from lantian.ledger_hour
    union all
    select date_trunc('hour', committed_at), 1, received, stored, duplicate, revised, rejected, rows_stored, rows_duplicate,
        rows_revised
    from lantian.ledger
    where id > (select coalesce(max(h.through_id), 0) from lantian.ledger_hour h)
) t
group by t.hour;

-- As screen.micro_hour, unrounded: for means over time and stations, rounded where they are shown.
create view screen.micro_value as
select h.device_id, d.site_id, s.name_zh as site_zh, s.area_id, s.township, h.hour, p.key as pollutant, p.decimals,
    h.mean[p.position] as raw,
    nullif(case p.key when 'pm25' then c.pm25 when 'pm10' then c.pm10 when 'so2' then c.so2 when 'no2' then c.no2
        when 'co' then c.co when 'o3' then c.o3 end, 'NaN') as calibrated
from lantian.device_hour h
join lantian.device d on d.id = h.device_id
join lantian.site s on s.id = d.site_id and s.kind = 'micro'
join screen.pollutant p on true
left join lantian.calibrated_hour c on c.device_id = h.device_id and c.hour = h.hour
where h.mean[p.position] <> 'NaN';
comment on view screen.micro_value is 'Unrounded micro-station hours as measured and as corrected 微站小时值（未修约）';

grant select on screen.micro_value to lantian_reader, lantian_app;
