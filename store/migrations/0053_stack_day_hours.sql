-- Months of stacks are sums of their days, so days count their hours and have all pollutants together. 烟气日值补充。

alter table stack_day add column hours smallint not null default 0;
comment on column stack_day.hours is 'Hours with any reading 有数据小时数';
comment on table stack_day is
    'Daily means of valid hours, hours over the limit, mass; pollutant any: all with a limit that were measured that day 烟气日值';
