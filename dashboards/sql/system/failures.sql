select sum(failures_24h)::bigint as "失败" from screen.job_now having count(*) > 0
