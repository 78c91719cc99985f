#!/bin/sh
# Runs once, when the database's volume is empty: database lantian, extension, the four roles with the passwords of .env.
set -eu

psql --username "${POSTGRES_USER:-postgres}" --dbname postgres --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
    --set owner="$LANTIAN_OWNER_PASSWORD" --set writer="$LANTIAN_WRITER_PASSWORD" \
    --set app="$LANTIAN_APP_PASSWORD" --set reader="$LANTIAN_READER_PASSWORD" \
    --set database="${LANTIAN_DATABASE:-lantian}" <<'SQL'
select format('create role %I login', name) from unnest(array['lantian_owner', 'lantian_writer', 'lantian_app', 'lantian_reader']) name
where not exists (select from pg_roles where rolname = name) \gexec
alter role lantian_owner password :'owner';
alter role lantian_writer password :'writer';
alter role lantian_app password :'app';
alter role lantian_reader password :'reader';
create database :"database" owner lantian_owner template template0 encoding 'UTF8';
revoke all on database :"database" from public;
grant connect, temporary on database :"database" to lantian_owner, lantian_writer, lantian_app, lantian_reader;
\connect :"database"
create extension if not exists timescaledb;
SQL
