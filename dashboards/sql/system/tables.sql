select table_name as "表", coalesce(substring(what from '[一-龥].*$'), what) as "内容", bytes as "占用", chunks as "分块"
from screen.table_size
order by bytes desc
limit 30
