select channel_zh as "渠道", count(*) filter (where state = 'waiting') as "待发送", count(*) filter (where state = 'sending') as "发送中",
    count(*) filter (where state = 'sent' and sent_at > now() - interval '24 hours') as "24小时已送达",
    count(*) filter (where state = 'dead') as "失败",
    (max(extract(epoch from now() - due_at)) filter (where state = 'waiting' and due_at < now()) / 60)::float8 as "最久等待"
from screen.delivery
where state <> 'sent' or sent_at > now() - interval '24 hours'
group by channel_zh
order by channel_zh
