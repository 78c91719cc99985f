select highest_level_zh as "最高级别", state_zh as "状态", issued_at as "发布", closed_at as "解除", hours as "持续", enterprises as "企业",
    orders as "减排命令", fulfilled as "已落实", suspected as "涉嫌未落实", undetermined as "无法判定", warning_id
from screen.episode
where area_id = ${area:sqlstring}
order by issued_at desc
limit 50
