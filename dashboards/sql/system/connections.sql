select application as "程序", role as "角色", connections as "连接数"
from screen.connection_now
order by connections desc, application, role
