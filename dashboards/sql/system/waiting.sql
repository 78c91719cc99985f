select sum(waiting)::bigint as "待处理" from screen.queue_now where queue like 'dirty%'
