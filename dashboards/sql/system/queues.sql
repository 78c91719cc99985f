select queue_zh as "队列", waiting as "等待", oldest_minutes as "最久等待"
from screen.queue_now
order by position
