select title_zh as __text, key as __value
from screen.pollutant
order by position
