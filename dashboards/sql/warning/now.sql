select state_zh as "当前状态" from screen.warning_now where area_id = ${area:sqlstring}
