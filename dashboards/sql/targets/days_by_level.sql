select
    days_level_1 as "{{level_1}}",
    days_level_2 as "{{level_2}}",
    days_level_3 as "{{level_3}}",
    days_level_4 as "{{level_4}}",
    days_level_5 as "{{level_5}}",
    days_level_6 as "{{level_6}}"
from screen.period_summary
where kind = 'year' and site_id = ${area:sqlstring} and to_char(start, 'YYYY') = ${year:sqlstring}
