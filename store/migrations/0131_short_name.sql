-- Names of enterprises short enough for legends and bands: without the legal form and the place. 企业简称。

create function screen.short_zh(name text) returns text language sql immutable parallel safe
return nullif(regexp_replace(name, '有限责任公司|股份有限公司|有限公司|^山西省?|^中阳县', '', 'g'), '');
comment on function screen.short_zh(text) is 'A company''s name without legal form and place 企业简称';

grant execute on function screen.short_zh(text) to lantian_reader, lantian_app;
