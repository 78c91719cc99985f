-- The emergency reduction list (一厂一策) as two registers (domain/reduction_register.py): lines with what they emit, and
-- what each does at each level. Every row is a version, rows are only added. 应急减排清单。

create table register_reduction_line (
    id text not null check (id ~ '^[0-9A-Za-z][0-9A-Za-z._:+-]{0,119}$'),
    version int not null check (version > 0),
    action text not null check (action in ('add', 'correct', 'retire', 'restore')),
    changed_by text not null check (changed_by <> ''),
    changed_at timestamptz not null default clock_timestamp(),
    why text not null,
    area_id text not null references area,
    enterprise_id text not null references enterprise,
    name_zh text not null,
    process text not null check (process in ('sinter', 'pellet', 'blast_furnace', 'converter', 'coke_oven', 'cement_kiln', 'cement_mill', 'coal_boiler', 'other')),
    so2_t_d double precision check (so2_t_d between 0 and 1000),
    nox_t_d double precision check (nox_t_d between 0 and 1000),
    pm_t_d double precision check (pm_t_d between 0 and 1000),
    vocs_t_d double precision check (vocs_t_d between 0 and 1000),
    note text,
    primary key (id, version),
    check ((version = 1) = (action = 'add')),
    check (action = 'add' or why <> '')
);
comment on table register_reduction_line is '应急减排清单 生产线; every row is a version of an entry, rows are only added 每行为一个版本，只增不改';
comment on column register_reduction_line.id is 'That of the production line 生产线编号';
comment on column register_reduction_line.so2_t_d is 't/d 二氧化硫日排放量';
comment on column register_reduction_line.nox_t_d is 't/d 氮氧化物日排放量';
comment on column register_reduction_line.pm_t_d is 't/d 颗粒物日排放量';
comment on column register_reduction_line.vocs_t_d is 't/d 挥发性有机物日排放量';

create table register_reduction_measure (
    id text not null check (id ~ '^[0-9A-Za-z][0-9A-Za-z._:+-]{0,119}$'),
    version int not null check (version > 0),
    action text not null check (action in ('add', 'correct', 'retire', 'restore')),
    changed_by text not null check (changed_by <> ''),
    changed_at timestamptz not null default clock_timestamp(),
    why text not null,
    area_id text not null references area,
    scope text not null check (scope in ('enterprise', 'industry')),
    enterprise_id text references enterprise,
    industry text,
    line_id text,
    level text not null check (level in ('yellow', 'orange', 'red')),
    kind text not null check (kind in ('stop', 'limit', 'process', 'transport', 'self')),
    limit_percent double precision check (limit_percent between 0 and 100),
    stage text check (stage in ('stage3', 'stage4', 'stage5', 'all')),
    reduction_percent double precision check (reduction_percent between 0 and 100),
    months text,
    detail text not null,
    note text,
    primary key (id, version),
    check ((version = 1) = (action = 'add')),
    check (action = 'add' or why <> '')
);
comment on table register_reduction_measure is '应急减排清单 减排措施; every row is a version of an entry, rows are only added 每行为一个版本，只增不改';
comment on column register_reduction_measure.limit_percent is '% 负荷上限';
comment on column register_reduction_measure.reduction_percent is '% 减排比例';
comment on column register_reduction_measure.months is 'MM-DD..MM-DD, both inside; empty = all year 适用时段';

create view screen.register_reduction_line as
select r.id, r.area_id, r.enterprise_id, e.name_zh as enterprise_zh, r.name_zh, r.process,
    case r.process when 'sinter' then '烧结' when 'pellet' then '球团' when 'blast_furnace' then '高炉'
        when 'converter' then '转炉' when 'coke_oven' then '焦炉' when 'cement_kiln' then '水泥窑'
        when 'cement_mill' then '水泥磨' when 'coal_boiler' then '燃煤锅炉' when 'other' then '其他' end as process_zh,
    r.so2_t_d, r.nox_t_d, r.pm_t_d, r.vocs_t_d, r.version
from (select distinct on (id) * from lantian.register_reduction_line order by id, version desc) r
join lantian.enterprise e on e.id = r.enterprise_id
where r.action <> 'retire';

create view screen.register_reduction_measure as
select r.id, r.area_id, r.scope,
    case r.scope when 'enterprise' then '企业' when 'industry' then '行业' end as scope_zh,
    r.enterprise_id, e.name_zh as enterprise_zh, r.industry, r.line_id, l.name_zh as line_zh, r.level,
    case r.level when 'yellow' then '黄色' when 'orange' then '橙色' when 'red' then '红色' end as level_zh, r.kind,
    case r.kind when 'stop' then '停产' when 'limit' then '限产' when 'process' then '工艺调整' when 'transport' then '运输管控'
        when 'self' then '自主减排' end as kind_zh,
    r.limit_percent, r.stage,
    case r.stage when 'stage3' then '国三及以下' when 'stage4' then '国四及以下' when 'stage5' then '国五及以下'
        when 'all' then '全部' end as stage_zh,
    r.reduction_percent, r.months, r.detail, r.version
from (select distinct on (id) * from lantian.register_reduction_measure order by id, version desc) r
left join lantian.enterprise e on e.id = r.enterprise_id
left join screen.register_reduction_line l on l.id = r.line_id
where r.action <> 'retire';

grant select, insert on register_reduction_line, register_reduction_measure to lantian_app;
grant select on screen.register_reduction_line, screen.register_reduction_measure to lantian_reader, lantian_app;
