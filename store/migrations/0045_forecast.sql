-- Forecasts: every one kept with its issue time, official ones before our own; models and their skill. 空气质量预报。

create table forecast_issuer (
    id text primary key check (id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'),
    name_zh text not null check (name_zh <> ''),
    source text not null check (source in ('official', 'statistical')),
    rank smallint not null check (rank between 1 and 100),
    valid_h smallint not null check (valid_h between 1 and 240),
    registered_by text not null,
    registered_at timestamptz not null default now(),
    retired_at timestamptz
);
comment on table forecast_issuer is 'Who issues forecasts; id is also its account at the broker 预报发布单位';
comment on column forecast_issuer.rank is 'The lower one outranks 优先级';
comment on column forecast_issuer.valid_h is 'Hours after its issue for which a forecast is used 有效时长';
insert into forecast_issuer (id, name_zh, source, rank, valid_h, registered_by)
values ('lantian', '本系统统计预报', 'statistical', 100, 24, 'lantian');

create table forecast_model (
    id bigint generated always as identity primary key,
    site_id text not null references site,
    method text not null check (method <> ''),
    first_hour timestamptz not null,
    last_hour timestamptz not null,
    issues int not null check (issues > 0),
    parameters bytea not null,
    trained_at timestamptz not null,
    check (first_hour < last_hour)
);
create index forecast_model_site on forecast_model (site_id, id desc);
comment on table forecast_model is 'Versions of the statistical model of each site 统计预报模型版本';
comment on column forecast_model.method is 'Name and version of the method, docs/forecast.md 方法及版本';
comment on column forecast_model.issues is 'Issue times it was fitted to 训练样本数';
comment on column forecast_model.parameters is 'Arrays in NumPy''s npz format 参数';

create table forecast (
    id bigint generated always as identity primary key,
    site_id text not null references site,
    issuer_id text not null references forecast_issuer,
    issued_at timestamptz not null,
    edition text not null,
    model_id bigint references forecast_model,
    last_hour timestamptz,
    digest text not null,
    origin text not null check (origin <> ''),
    received_at timestamptz not null default now(),
    unique (site_id, issuer_id, issued_at, digest)
);
create index forecast_newest on forecast (site_id, issuer_id, issued_at desc, id desc);
create index forecast_issued on forecast (issued_at);
comment on table forecast is 'Forecasts as issued; of one issue time the one received last counts 预报';
comment on column forecast.edition is 'Edition of HJ 633 its indices follow AQI 标准版本';
comment on column forecast.last_hour is 'Start of the newest hour it knows, for our own 最新已知小时';
comment on column forecast.digest is 'SHA-256 of its content; the same again is no second forecast 内容摘要';
comment on column forecast.origin is 'Job, file or topic, and who brought it 来源';

create table forecast_series (
    forecast_id bigint not null references forecast,
    kind text not null check (kind in ('hour', 'day', 'rolling')),
    item text not null check (item in ('pm25', 'pm10', 'o3', 'o3_8h', 'aqi')),
    first timestamptz not null,
    values double precision[] not null,
    low double precision[] not null,
    high double precision[] not null,
    primaries text[],
    primary key (forecast_id, kind, item),
    check (cardinality(values) between 1 and 240),
    check (cardinality(low) = cardinality(values) and cardinality(high) = cardinality(values)),
    check (primaries is null or cardinality(primaries) = cardinality(values)),
    check (kind = 'day' or item <> 'o3_8h'),
    check (kind <> 'day' or (first at time zone 'UTC' + interval '8 hours')::time = time '00:00')
);
comment on table forecast_series is
    'One item of a forecast: consecutive hours (hour), days (day), or the 24 hours that end with each hour (rolling) 预报序列';
comment on column forecast_series.first is 'Start of the first hour or day; step one hour or one day 起始时刻';
comment on column forecast_series.values is 'Expected value; null where there is none 预报值';
comment on column forecast_series.low is 'Lower end of the interval, of our own forecasts the 80 % interval 区间下限';
comment on column forecast_series.primaries is 'Primary pollutants of each day, keys joined by a comma 首要污染物';

create table forecast_skill (
    id bigint generated always as identity primary key,
    site_id text not null references site,
    model_id bigint references forecast_model,
    basis text not null check (basis in ('training', 'issued')),
    kind text not null check (kind in ('hour', 'day', 'rolling')),
    item text not null check (item in ('pm25', 'pm10', 'o3', 'o3_8h', 'aqi')),
    lead int not null check (lead >= 0),
    first_hour timestamptz not null,
    last_hour timestamptz not null,
    count int not null check (count > 0),
    rmse double precision not null,
    rmse_persistence double precision not null,
    rmse_climatology double precision not null,
    bias double precision not null,
    coverage double precision not null check (coverage between 0 and 1),
    computed_at timestamptz not null,
    check ((basis = 'training') = (model_id is not null))
);
create index forecast_skill_site on forecast_skill (site_id, basis, kind, item, lead, id desc);
comment on table forecast_skill is 'Errors beside those of persistence and climatology over the same issue times 预报技巧';
comment on column forecast_skill.basis is 'training: blocks left out of the fit; issued: forecasts as issued against what came 评定依据';
comment on column forecast_skill.lead is 'Hours ahead (hour, rolling) or days ahead (day) 预报时效';
comment on column forecast_skill.coverage is 'Share of the outcomes inside the interval 区间覆盖率';

grant select, insert on forecast_model, forecast, forecast_series, forecast_skill to lantian_app;
grant select, insert on forecast_issuer to lantian_app;
grant update (name_zh, rank, valid_h, retired_at) on forecast_issuer to lantian_app;

-- What screens show: of every target the highest-ranking forecast that is still valid, of one rank the newest.
create function screen.forecast_at(moment timestamptz) returns table (
    site_id text, kind text, item text, target timestamptz, value double precision, low double precision,
    high double precision, primaries text, issuer_id text, issued_at timestamptz, edition text)
language sql stable security definer set search_path = lantian, screen, pg_temp
begin atomic
    select distinct on (f.site_id, s.kind, s.item, t.target)
        f.site_id, s.kind, s.item, t.target, v.value, coalesce(v.low, v.value), coalesce(v.high, v.value),
        v.primaries, f.issuer_id, f.issued_at, f.edition
    from lantian.forecast_issuer i
    join lantian.forecast f on f.issuer_id = i.id
        and f.issued_at <= moment and f.issued_at > moment - i.valid_h * interval '1 hour' and f.received_at <= moment
    join lantian.forecast_series s on s.forecast_id = f.id
    cross join lateral unnest(s.values, s.low, s.high, s.primaries) with ordinality as v (value, low, high, primaries, at)
    cross join lateral (
        select s.first + (v.at - 1) * case s.kind when 'day' then interval '24 hours' else interval '1 hour' end as target
    ) t
    where (i.retired_at is null or i.retired_at > moment) and v.value is not null
    order by f.site_id, s.kind, s.item, t.target, i.rank, f.issued_at desc, f.id desc;
end;

create view screen.forecast as
select f.site_id, s.site_zh, s.area_id, s.kind as site_kind, s.kind_order, f.kind, f.item, p.title_zh, f.target as time,
    f.value, f.low, f.high, f.primaries, f.issuer_id, i.name_zh as issuer_zh, i.source,
    case i.source when 'official' then '官方预报' else '统计预报' end as source_zh, f.issued_at, f.edition
from screen.forecast_at(now()) f
join screen.air_site s on s.site_id = f.site_id
join lantian.forecast_issuer i on i.id = f.issuer_id
left join screen.pollutant p on p.key = split_part(f.item, '_', 1);

-- The days to come with level and colour.
create view screen.forecast_day as
select f.site_id, f.site_zh, f.area_id, f.site_kind, f.kind_order, screen.local_day(f.time) as day, f.time,
    f.value::integer as aqi, f.low::integer as aqi_low, f.high::integer as aqi_high, l.level, l.category_zh, l.hex,
    screen.pollutants_zh(string_to_array(f.primaries, ',')) as primary_zh,
    f.issuer_id, f.issuer_zh, f.source, f.source_zh, f.issued_at
from screen.forecast f
left join lantian.aqi_level l on l.edition = f.edition and greatest(f.value, 1)::integer between l.aqi_low and l.aqi_high
where f.kind = 'day' and f.item = 'aqi' and f.time >= screen.midnight(screen.today());

-- Newest skill of each site, item and lead on each basis.
create view screen.forecast_skill as
select distinct on (k.site_id, k.basis, k.kind, k.item, k.lead)
    k.site_id, s.site_zh, s.area_id, k.basis, case k.basis when 'training' then '训练留出' else '实际发布' end as basis_zh,
    k.kind, k.item, k.lead, k.first_hour, k.last_hour, k.count, k.rmse, k.rmse_persistence, k.rmse_climatology, k.bias,
    100 * k.coverage as coverage_percent,
    100 * (1 - k.rmse / nullif(k.rmse_persistence, 0)) as below_persistence_percent,
    100 * (1 - k.rmse / nullif(k.rmse_climatology, 0)) as below_climatology_percent,
    k.computed_at
from lantian.forecast_skill k
join screen.air_site s on s.site_id = k.site_id
order by k.site_id, k.basis, k.kind, k.item, k.lead, k.id desc;

grant execute on function screen.forecast_at to lantian_reader, lantian_app;
grant select on screen.forecast, screen.forecast_day, screen.forecast_skill to lantian_reader, lantian_app;
