-- One word for the console: 操作台 (docs/glossary.md). 用语统一。

create or replace view screen.acknowledgement as
select k.id as acknowledgement_id, k.notice_id, n.kind, n.reference, n.area_id, n.enterprise_id,
    e.name_zh as enterprise_zh, n.severity, n.subject_zh, n.created_at, n.respond_by, k.by, k.at, k.via,
    case k.via when 'mqtt' then 'MQTT' when 'link' then '链接' when 'console' then '操作台' when 'command' then '命令行'
        when 'api' then '接口' end as via_zh,
    k.measures, k.effective_at, k.comment,
    (extract(epoch from k.at - n.created_at) / 60)::float8 as minutes, k.at <= n.respond_by as in_time
from lantian.acknowledgement k
join lantian.notice n on n.id = k.notice_id
left join lantian.enterprise e on e.id = n.enterprise_id;
