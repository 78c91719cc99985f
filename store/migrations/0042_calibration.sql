-- Calibration of micro stations by reference stations: versions are only added; corrected values stand beside the originals
-- and enter no hour, day or compliance. 微站校准。

create table calibration (
    id bigint generated always as identity primary key,
    device_id text not null references device,
    pollutant text not null check (pollutant in ('pm25', 'pm10', 'so2', 'no2', 'co', 'o3')),
    version int not null check (version > 0),
    reference_site_id text not null references site,
    distance_m double precision not null check (distance_m >= 0),
    train_from timestamptz not null,
    train_to timestamptz not null,
    terms text[] not null,
    coefficients double precision[] not null,
    low double precision[] not null check (cardinality(low) = 3),
    high double precision[] not null check (cardinality(high) = 3),
    n int not null,
    r double precision,
    rmse double precision,
    bias double precision,
    rmse_raw double precision,
    bias_raw double precision,
    reason text not null,
    fitted_at timestamptz not null,
    fitted_by text not null check (fitted_by <> ''),
    check (train_from < train_to),
    check (cardinality(terms) = cardinality(coefficients)),
    unique (device_id, pollutant, version)
);
comment on table calibration is 'Versions of the calibration of a device and pollutant 校准版本';
comment on column calibration.train_to is 'End of the training; the version counts for hours from then on 训练期止（自此起用）';
comment on column calibration.low is 'Lowest measured value, humidity, temperature of the training, NaN = no term 训练范围下限';
comment on column calibration.rmse is 'Error of hours predicted from other blocks of time 交叉验证误差';
comment on column calibration.reason is 'Why it must not be used; empty = used 未采用原因';

create table calibrated_hour (
    device_id text not null,
    hour timestamptz not null,
    pm25 double precision,
    pm10 double precision,
    so2 double precision,
    no2 double precision,
    co double precision,
    o3 double precision,
    calibration bigint[] not null check (cardinality(calibration) = 6),
    extrapolated boolean[] not null check (cardinality(extrapolated) = 6),
    settled_at timestamptz not null default now(),
    primary key (device_id, hour)
);
create index calibrated_hour_hour on calibrated_hour (hour);
comment on table calibrated_hour is 'Corrected hours of micro stations; originals are in device_hour 微站校准小时值';
comment on column calibrated_hour.calibration is 'Version used per pollutant, null = none 所用校准';
comment on column calibrated_hour.extrapolated is 'Outside the range of the training 超出训练范围';

grant select, insert on calibration to lantian_app;
grant select, insert, update, delete on calibrated_hour to lantian_app;

create view screen.calibration as
select c.id, c.device_id, d.site_id, s.name_zh as site_zh, s.area_id, c.pollutant, p.symbol, p.title_zh, p.unit, p.position,
    c.version, c.reference_site_id, r.name_zh as reference_zh, c.distance_m, c.train_from, c.train_to, c.terms,
    c.coefficients, c.n, c.r, c.rmse, c.bias, c.rmse_raw, c.bias_raw, c.reason = '' as used,
    case when c.reason = '' then '采用' else '未采用' end as used_zh, c.reason, c.fitted_at, c.fitted_by,
    c.reason = '' and c.id = (
        select x.id from lantian.calibration x
        where x.device_id = c.device_id and x.pollutant = c.pollutant and x.reason = ''
        order by x.train_to desc, x.version desc limit 1
    ) as current
from lantian.calibration c
join lantian.device d on d.id = c.device_id
join lantian.site s on s.id = d.site_id
join lantian.site r on r.id = c.reference_site_id
join screen.pollutant p on p.key = c.pollutant;
comment on view screen.calibration is 'Versions of calibrations with their quality 校准版本';

-- Hours of micro stations as measured and as corrected, a row per pollutant. Neither decides compliance.
create view screen.micro_hour as
select h.device_id, d.site_id, s.name_zh as site_zh, s.area_id, s.township, s.longitude, s.latitude, h.hour,
    p.key as pollutant, p.symbol, p.title_zh, p.unit, p.position,
    screen.published(nullif(h.mean[p.position], 'NaN'), p.decimals) as raw,
    screen.published(case p.key when 'pm25' then c.pm25 when 'pm10' then c.pm10 when 'so2' then c.so2 when 'no2' then c.no2
        when 'co' then c.co when 'o3' then c.o3 end, p.decimals) as calibrated,
    c.calibration[p.position] as calibration_id, coalesce(c.extrapolated[p.position], false) as extrapolated,
    case when c.calibration[p.position] is null then '未校准' when c.extrapolated[p.position] then '外推' else '已校准' end
        as state_zh
from lantian.device_hour h
join lantian.device d on d.id = h.device_id
join lantian.site s on s.id = d.site_id and s.kind = 'micro'
cross join screen.pollutant p
left join lantian.calibrated_hour c on c.device_id = h.device_id and c.hour = h.hour
where h.mean[p.position] <> 'NaN';
comment on view screen.micro_hour is 'Micro-station hours as measured and as corrected 微站小时值（原始与校准）';

grant select on screen.calibration, screen.micro_hour to lantian_reader, lantian_app;
