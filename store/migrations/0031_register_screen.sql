-- What screens show of the registers: the newest version of each entry that has not been retired. 台账视图。

create view screen.register_straw_fire as
select r.id, r.area_id, r.seen_at, screen.local_day(r.seen_at) as day, r.longitude, r.latitude, r.source,
    case r.source when 'satellite' then '卫星' when 'video' then '视频' when 'drone' then '无人机' end as source_zh,
    r.township, r.place, r.result,
    case r.result when 'pending' then '待核查' when 'confirmed' then '属实' when 'other_fire' then '其他火情'
        when 'none' then '误报' end as result_zh,
    r.checked_by, r.checked_at, extract(epoch from r.checked_at - r.seen_at) / 3600 as hours_to_check, r.version
from (select distinct on (id) * from lantian.register_straw_fire order by id, version desc) r
where r.action <> 'retire';

create view screen.register_fume_cleaning as
select r.id, r.area_id, r.purifier_id, r.cleaned_on, r.cleaned_by, r.work, r.version
from (select distinct on (id) * from lantian.register_fume_cleaning order by id, version desc) r
where r.action <> 'retire';

-- Purifiers there now, and how each stands in the running quarter.
create view screen.register_fume_purifier as
select p.id, p.area_id, p.name_zh, p.address, p.township, p.installed_on, p.exempt, c.last_cleaned_on, c.cleaned,
    case when c.cleaned then '本季已清洗' when p.exempt then '新装，本季免洗' else '本季待清洗' end as status_zh, p.version
from (
    select r.*, q.start, coalesce(r.installed_on >= q.start, false) as exempt
    from (select distinct on (id) * from lantian.register_fume_purifier order by id, version desc) r
    cross join (select date_trunc('quarter', screen.today()::timestamp)::date as start) q
    where r.action <> 'retire' and r.removed_on is null
) p
cross join lateral (
    select max(c.cleaned_on) as last_cleaned_on, coalesce(max(c.cleaned_on) >= p.start, false) as cleaned
    from screen.register_fume_cleaning c where c.purifier_id = p.id and c.area_id = p.area_id
) c;

-- Emission of each year, source and pollutant, and its change against the year before.
create view screen.register_emission as
with current as (
    select r.* from (select distinct on (id) * from lantian.register_emission order by id, version desc) r
    where r.action <> 'retire'
)
select e.id, e.area_id, e.year, e.source,
    case e.source when 'combustion' then '化石燃料固定燃烧源' when 'process' then '工艺过程源' when 'mobile' then '移动源'
        when 'solvent' then '溶剂使用源' when 'agriculture' then '农业源' when 'dust' then '扬尘源'
        when 'biomass' then '生物质燃烧源' when 'storage' then '储存运输源' when 'waste' then '废弃物处理源'
        when 'other' then '其他排放源' end as source_zh,
    e.pollutant,
    case e.pollutant when 'so2' then '二氧化硫' when 'nox' then '氮氧化物' when 'co' then '一氧化碳'
        when 'vocs' then '挥发性有机物' when 'nh3' then '氨' when 'pm10' then '可吸入颗粒物' when 'pm25' then '细颗粒物'
        when 'bc' then '黑碳' when 'oc' then '有机碳' end as pollutant_zh,
    e.amount_t, b.amount_t as amount_before_t, e.amount_t - b.amount_t as change_t,
    100 * (e.amount_t - b.amount_t) / nullif(b.amount_t, 0) as change_percent, e.method, e.compiled_by, e.version
from current e
left join current b on b.area_id = e.area_id and b.year = e.year - 1 and b.source = e.source
    and b.pollutant = e.pollutant;

create view screen.register_nonroad as
select r.id, r.area_id, r.name_zh, r.kind, r.stage,
    case r.stage when 'stage0' then '国一前' when 'stage1' then '国一' when 'stage2' then '国二' when 'stage3' then '国三'
        when 'stage4' then '国四' when 'electric' then '新能源' end as stage_zh,
    r.owner, r.power_kw, r.township, r.work_place, r.scrapped_on,
    r.stage in ('stage0', 'stage1') and r.scrapped_on is null as to_scrap, r.version
from (select distinct on (id) * from lantian.register_nonroad order by id, version desc) r
where r.action <> 'retire';

-- `to_clear`: burns coal, is still there, and is a boiler of 35 t/h or less or another facility (clause 11).
create view screen.register_coal_boiler as
select r.id, r.area_id, r.name_zh, r.kind,
    case r.kind when 'boiler' then '锅炉' when 'water_heater' then '茶水炉' when 'stove' then '经营性炉灶'
        when 'dryer' then '烘干设备' when 'furnace' then '工业炉窑' when 'other' then '其他' end as kind_zh,
    r.fuel,
    case r.fuel when 'coal' then '燃煤' when 'gas' then '燃气' when 'biomass' then '生物质' when 'oil' then '燃油'
        when 'electricity' then '电' end as fuel_zh,
    r.capacity_t_h, r.purpose, r.township, r.longitude, r.latitude, r.installed_on, r.closed_on, r.replacement,
    r.fuel = 'coal' and r.closed_on is null and (r.kind in ('water_heater', 'stove', 'dryer', 'other')
        or (r.kind = 'boiler' and r.capacity_t_h <= 35)) as to_clear,
    r.version
from (select distinct on (id) * from lantian.register_coal_boiler order by id, version desc) r
where r.action <> 'retire';

-- `due`: under construction today with 5000 m² or more (clause 17).
create view screen.register_building_site as
select r.id, r.area_id, r.name_zh, r.builder, r.area_m2, r.started_on, r.ended_on, r.township, r.longitude, r.latitude,
    coalesce(r.video_connected, false) as video_connected, r.video_link,
    r.area_m2 >= 5000 and r.ended_on is null and coalesce(r.started_on <= screen.today(), true) as due, r.version
from (select distinct on (id) * from lantian.register_building_site order by id, version desc) r
where r.action <> 'retire';

-- Each batch against the targets of its area; null when the plan of the area has none.
create view screen.register_clean_coal as
select r.id, r.area_id, r.supplier, r.sampled_on, r.quantity_t, r.heat_kcal_kg, r.sulfur_percent, r.ash_percent,
    r.heat_kcal_kg >= heat.value as heat_complies, r.sulfur_percent < sulfur.value as sulfur_complies,
    r.ash_percent < ash.value as ash_complies,
    r.heat_kcal_kg >= heat.value and r.sulfur_percent < sulfur.value and r.ash_percent < ash.value as complies,
    r.inspected_by, r.report_number, r.version
from (select distinct on (id) * from lantian.register_clean_coal order by id, version desc) r
left join lantian.target heat on heat.area_id = r.area_id and heat.id = 'clean_coal_heat'
left join lantian.target sulfur on sulfur.area_id = r.area_id and sulfur.id = 'clean_coal_sulfur'
left join lantian.target ash on ash.area_id = r.area_id and ash.id = 'clean_coal_ash'
where r.action <> 'retire';

grant select on
    screen.register_straw_fire, screen.register_fume_cleaning, screen.register_fume_purifier, screen.register_emission,
    screen.register_nonroad, screen.register_coal_boiler, screen.register_building_site, screen.register_clean_coal
    to lantian_reader, lantian_app;
