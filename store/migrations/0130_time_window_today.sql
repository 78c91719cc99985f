-- Every time window of the plan as it stands today, those out of season too: a screen of them is never empty. 今日时段管控。

create view screen.time_window_today as
select w.area_id, w.id as window_id, w.clause,
    case w.kind when 'do' then '应执行' when 'forbid' then '禁止' else '应避开' end as kind_zh,
    w.what_zh, replace(w.months, '..', ' 至 ') as months_zh, replace(w.hours_local, '-', ' 至 ') as hours_zh,
    d.starts_at, d.ends_at, coalesce(d.is_now, false) as is_now, s.in_season,
    coalesce(d.state_zh, case when s.in_season then '待判定' else '非管控季节' end) as state_zh,
    coalesce(d.reason_zh, case when s.in_season then '尚未判定' else '今日不在方案规定的月份内' end) as reason_zh
from lantian.time_window w
cross join lateral (select to_char(screen.today(), 'MM-DD') as day, left(w.months, 5) as low, right(w.months, 5) as high) m
cross join lateral (
    select case when m.low <= m.high then m.day between m.low and m.high else m.day >= m.low or m.day <= m.high end as in_season
) s
left join screen.time_window_due d on d.area_id = w.area_id and d.window_id = w.id and d.day = screen.today();
comment on view screen.time_window_today is 'Time windows of the plan and what today makes of them 今日时段管控';

grant select on screen.time_window_today to lantian_reader, lantian_app;
