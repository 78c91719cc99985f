select to_char(start, 'YYYY') as __text, to_char(start, 'YYYY') as __value
from screen.period_summary
where kind = 'year' and site_id = ${area:sqlstring}
union
select to_char(screen.today(), 'YYYY'), to_char(screen.today(), 'YYYY')
where not exists (select from screen.period_summary where kind = 'year' and site_id = ${area:sqlstring})
order by 2 desc
