-- People who sign in to the console, their sessions and tokens, and what they did. 操作台：账号、会话、令牌、审计。

create table account (
    id text primary key check (id ~ '^[a-z0-9][a-z0-9._-]{1,31}$'),
    name_zh text not null check (name_zh <> ''),
    role text not null check (role in ('operator', 'reviewer', 'administrator', 'enterprise')),
    enterprise_id text references enterprise,
    password_hash text not null,
    must_change boolean not null default true,
    password_set_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    created_by text not null check (created_by <> ''),
    disabled_at timestamptz,
    check ((role = 'enterprise') = (enterprise_id is not null))
);
create index account_enterprise on account (enterprise_id) where enterprise_id is not null;
comment on table account is 'A person who signs in to the console 操作台账号';
comment on column account.password_hash is 'argon2id with its parameters; the password itself is nowhere 口令散列';
comment on column account.must_change is 'The password was made by somebody else and opens only the page that changes it 须改口令';

create table session (
    token_hash bytea primary key check (length(token_hash) = 32),
    account_id text not null references account,
    created_at timestamptz not null,
    seen_at timestamptz not null,
    address text not null,
    agent text not null
);
create index session_account on session (account_id);
comment on table session is 'Who is signed in; the row is gone after signing out 会话';
comment on column session.token_hash is 'SHA-256 of the cookie 会话令牌散列';

create table api_token (
    id bigint generated always as identity primary key,
    token_hash bytea not null unique check (length(token_hash) = 32),
    account_id text not null references account,
    name text not null check (name <> ''),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz
);
create index api_token_account on api_token (account_id);
comment on table api_token is 'Keys to the JSON interface; each acts as its account 接口令牌';

create table sign_in (
    at timestamptz not null default now(),
    name_hash bytea not null check (length(name_hash) = 32),
    address text not null,
    succeeded boolean not null
);
create index sign_in_name on sign_in (name_hash, at);
create index sign_in_address on sign_in (address, at);
comment on table sign_in is 'Attempts to sign in, counted for the lock-out; old ones are removed 登录尝试';
comment on column sign_in.name_hash is 'SHA-256 of the name typed, which may be a password typed into the wrong field 用户名散列';

create table audit_event (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    account_id text,
    role text,
    address text not null default '',
    action text not null check (action ~ '^[a-z_]+\.[a-z_]+$'),
    object text not null default '',
    outcome text not null default 'done' check (outcome in ('done', 'refused')),
    detail jsonb not null default '{}'
);
create index audit_event_at on audit_event (at desc);
create index audit_event_account on audit_event (account_id, at desc);
create index audit_event_object on audit_event (object, at desc) where object <> '';
comment on table audit_event is 'What people did; rows are only added 审计记录';
comment on column audit_event.object is 'What it was done to, such as device/stack-1 对象';

-- Not even the owner changes the trail by an ordinary statement.
create function audit_event_is_kept() returns trigger language plpgsql as $$
begin
    raise exception 'audit_event is append-only: found %, expected insert', tg_op using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_event_is_kept before update or delete or truncate on audit_event
    for each statement execute function audit_event_is_kept();

grant select, insert on account, api_token, audit_event, sign_in to lantian_app;
grant update (name_zh, role, enterprise_id, password_hash, must_change, password_set_at, disabled_at) on account to lantian_app;
grant update (used_at, revoked_at) on api_token to lantian_app;
grant select, insert, delete on session to lantian_app;
grant update (seen_at) on session to lantian_app;
grant delete on sign_in to lantian_app;

create table stranger_refusal (
    id bigint generated always as identity primary key,
    county text not null,
    protocol text not null,
    device_id text not null,
    refused_by text not null check (refused_by <> ''),
    refused_at timestamptz not null default now(),
    why text not null check (why <> ''),
    withdrawn_by text,
    withdrawn_at timestamptz,
    check ((withdrawn_by is null) = (withdrawn_at is null))
);
create unique index stranger_refusal_standing on stranger_refusal (device_id, protocol, county) where withdrawn_at is null;
comment on table stranger_refusal is 'Devices that speak and shall not be registered; their messages stay rejected 不予登记的设备';

grant select, insert on stranger_refusal to lantian_app;
grant update (withdrawn_by, withdrawn_at) on stranger_refusal to lantian_app;
