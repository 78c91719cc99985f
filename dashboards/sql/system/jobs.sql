select job as "任务", outcome_zh as "结果", began_at as "上次开始", seconds as "用时", minutes_since_done as "距上次完成",
    failures_24h as "24小时失败", error as "错误"
from screen.job_now
order by case outcome when 'failed' then 0 when 'interrupted' then 1 else 2 end, job
