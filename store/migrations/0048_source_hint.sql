-- Hints of the wind: concentrations by sector and by speed and direction, per site and pollutant over the last days. 来源线索。

create table source_hint (
    site_id text not null references site,
    pollutant text not null,
    days int not null check (days > 0),
    first_hour timestamptz not null,
    last_hour timestamptz not null,
    threshold double precision not null,
    hours int[] not null check (cardinality(hours) = 16),
    means double precision[] not null check (cardinality(means) = 16),
    speeds double precision[] not null check (cardinality(speeds) = 16),
    probabilities double precision[] not null check (cardinality(probabilities) = 16),
    calm_hours int not null,
    calm_mean double precision,
    surface_speeds double precision[] not null,
    surface double precision[] not null,
    settled_at timestamptz not null default now(),
    primary key (site_id, pollutant, days),
    check (cardinality(surface) = 16 * cardinality(surface_speeds))
);
comment on table source_hint is 'Pollution rose, conditional probability by sector and polar surface 污染玫瑰图与条件概率';
comment on column source_hint.threshold is '75th percentile: an hour above it is high 高值阈值';
comment on column source_hint.probabilities is 'Share of high hours with wind from each of 16 sectors, from north on 各风向高值概率';
comment on column source_hint.surface is 'Sector by sector, each at the speeds of surface_speeds; null where too few hours are near 风向风速平滑浓度';

grant select, insert, update, delete on source_hint to lantian_app;

create view screen.pollution_rose as
select h.site_id, s.site_zh, s.area_id, h.pollutant, p.title_zh, p.unit, h.days, h.first_hour, h.last_hour,
    (v.at - 1)::integer as sector, 22.5 * (v.at - 1) as direction,
    (array['北', '北东北', '东北', '东东北', '东', '东东南', '东南', '南东南', '南', '南西南', '西南', '西西南', '西', '西西北',
        '西北', '北西北'])[v.at] as direction_zh,
    v.hours, 100.0 * v.hours / nullif(sum(v.hours) over (partition by h.site_id, h.pollutant, h.days), 0)::float8
        as share_percent,
    screen.published(v.mean, p.decimals) as mean, v.speed, 100 * v.probability as probability_percent, h.threshold,
    h.calm_hours, h.calm_mean, h.settled_at
from lantian.source_hint h
join screen.air_site s on s.site_id = h.site_id
join screen.pollutant p on p.key = h.pollutant
cross join lateral unnest(h.hours, h.means, h.speeds, h.probabilities) with ordinality
    as v (hours, mean, speed, probability, at);

create view screen.polar_surface as
select h.site_id, s.site_zh, s.area_id, h.pollutant, p.title_zh, h.days,
    22.5 * ((v.at - 1) / cardinality(h.surface_speeds)) as direction,
    h.surface_speeds[1 + (v.at - 1) % cardinality(h.surface_speeds)] as speed, v.mean, h.settled_at
from lantian.source_hint h
join screen.air_site s on s.site_id = h.site_id
join screen.pollutant p on p.key = h.pollutant
cross join lateral unnest(h.surface) with ordinality as v (mean, at)
where v.mean is not null;

grant select on screen.pollution_rose, screen.polar_surface to lantian_reader, lantian_app;
