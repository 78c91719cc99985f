-- What the rest of the year may bring for each measured target, and where it is heading. 年终预算。

create table target_budget (
    area_id text not null,
    target_id text not null,
    year date not null,
    as_of date not null,
    valid_days int not null,
    days int not null,
    remaining_days int not null,
    value double precision,
    remaining_mean double precision,
    further_days_above int,
    projected double precision,
    low double precision,
    high double precision,
    past_years int not null,
    invalid_days_allowed int not null,
    can_be_valid boolean not null,
    settled_at timestamptz not null default now(),
    primary key (area_id, target_id, year),
    foreign key (area_id, target_id) references target (area_id, id)
);
comment on table target_budget is 'Budget of the running year of each measured target; the last one of a past year stays 年终预算';
comment on column target_budget.remaining_mean is 'Mean the remaining days may have; null for percentiles 剩余日均上限';
comment on column target_budget.further_days_above is 'Remaining days that may lie above the target; null for means 还可超标天数';
comment on column target_budget.projected is 'Expected at the end of the year, with its 80 % interval from past years 预计年终值';

grant select, insert, update on target_budget to lantian_app;

create view screen.target_budget as
select b.area_id, b.target_id, t.position, t.clause, t.indicator_zh, t.unit, t.pollutant, t.statistic, t.comparator,
    t.value as target_value, b.year, extract(year from b.year)::integer || '年' as year_zh, b.as_of, b.value,
    b.valid_days, b.days, 100.0 * b.valid_days / nullif(b.days, 0)::float8 as completeness_percent, b.remaining_days,
    b.remaining_mean, b.further_days_above, b.projected, b.low, b.high, b.past_years, b.invalid_days_allowed, b.can_be_valid,
    case
        when not b.can_be_valid then '有效天数已不足，年度统计无效'
        when b.remaining_mean < 0 or b.further_days_above < 0 then '剩余时段已难以挽回'
        when b.low > t.value then '预计年终超过目标'
        when b.high <= t.value then '预计年终达到目标'
        when b.projected is null then '没有往年数据，不作预计'
        else '年终能否达到目标尚不确定'
    end as outlook_zh
from lantian.target_budget b
join lantian.target t on t.area_id = b.area_id and t.id = b.target_id;

grant select on screen.target_budget to lantian_reader, lantian_app;
