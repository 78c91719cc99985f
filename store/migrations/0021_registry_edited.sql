-- What people entered or changed through the console is theirs: loading a county's data set again leaves it alone. 登记修改。

alter table enterprise add column edited_at timestamptz;
alter table site add column edited_at timestamptz;
alter table device add column edited_at timestamptz;
comment on column enterprise.edited_at is 'Last change through the console; null = as the data set says 人工修改时间';
comment on column site.edited_at is 'Last change through the console; null = as the data set says 人工修改时间';
comment on column device.edited_at is 'Last change through the console; null = as the data set says 人工修改时间';
