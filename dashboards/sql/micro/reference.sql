select $__timeGroupAlias(h.hour,$__interval,NULL),
    avg(case ${pollutant:sqlstring} when 'pm25' then h.pm25 when 'pm10' then h.pm10 when 'so2' then h.so2 when 'no2' then h.no2
        when 'co' then h.co when 'o3' then h.o3 end) as "参比站"
from screen.air_hour h
where $__timeFilter(h.hour) and h.area_id = ${area:sqlstring} and h.kind = 'ambient'
group by 1
order by 1
