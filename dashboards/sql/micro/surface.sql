select r.direction_zh as "风向",
    avg(u.mean) filter (where u.speed < 1) as "1 m/s 以下",
    avg(u.mean) filter (where u.speed >= 1 and u.speed < 2) as "1～2 m/s",
    avg(u.mean) filter (where u.speed >= 2 and u.speed < 3) as "2～3 m/s",
    avg(u.mean) filter (where u.speed >= 3 and u.speed < 5) as "3～5 m/s",
    avg(u.mean) filter (where u.speed >= 5) as "5 m/s 以上"
from screen.polar_surface u
join screen.pollution_rose r on r.site_id = u.site_id and r.pollutant = u.pollutant and r.days = u.days and r.direction = u.direction
where u.days = 30 and u.area_id = ${area:sqlstring} and u.pollutant = ${pollutant:sqlstring}
    and u.site_id = any (array[${station:sqlstring}]::text[])
group by r.sector, r.direction_zh
order by r.sector
