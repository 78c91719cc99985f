-- Townships of stations and of enterprises' places, for lists to choose from. 点位所在乡镇。

create view screen.site_township as
select s.id as site_id, s.area_id, s.enterprise_id, s.kind, coalesce(s.township, '—') as township
from lantian.site s
where s.retired_at is null and s.kind not in ('area', 'vehicle', 'video')
union all
-- An enterprise whose lines are registered before any place of it still stands in the lists.
select null, e.area_id, e.id, 'enterprise', '—'
from lantian.enterprise e
where exists (select from lantian.production_line l where l.enterprise_id = e.id and l.retired_at is null)
    and not exists (
        select from lantian.site s where s.enterprise_id = e.id and s.area_id = e.area_id and s.retired_at is null
            and s.kind not in ('area', 'vehicle', 'video')
    );
comment on view screen.site_township is 'Township of stations, stacks and plants; — where none is registered 点位所在乡镇';

grant select on screen.site_township to lantian_reader, lantian_app;
