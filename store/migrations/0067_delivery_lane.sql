-- Each channel is served by a lane of its own: its next delivery is found without passing those of the others. 通道队列。

create index delivery_lane on delivery (channel, severity desc, due_at, id) where state in ('waiting', 'sending');
create index delivery_waiting on delivery (contact_id, channel, due_at) where state = 'waiting' and message_key is null;
