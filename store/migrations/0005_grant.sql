-- Least privilege. Whoever is not named may do nothing; history is append-only because nobody but the owner may change it. 权限。

revoke all on schema lantian, screen from public;
revoke all on all tables in schema lantian from public;
alter default privileges revoke execute on functions from public;

grant usage on schema lantian to lantian_writer, lantian_app;
grant usage on schema screen to lantian_writer, lantian_app, lantian_reader;

-- The collector: adds, and reads what it compares with. No update of readings, no delete at all.
grant select on area, site, device, device_unit to lantian_writer;
grant select, insert on
    air_reading, stack_reading, vehicle_reading, plant_reading, factor_reading, raw_frame, revision to lantian_writer;
grant select, insert on reject, ledger to lantian_writer;
grant insert on dirty_hour to lantian_writer;
grant select, insert, update on device_state to lantian_writer;

-- Jobs and the console: read everything, write statistics, targets and the registry, decide revisions, empty the queues.
grant select on all tables in schema lantian to lantian_app;
grant insert, update on area, enterprise, site, device, time_window, target to lantian_app;
grant insert, update, delete on device_unit to lantian_app;
grant insert, update, delete on air_hour, air_day, period_statistic, period_summary, target_actual to lantian_app;
grant insert on target_report to lantian_app;
grant update (status, decided_by, decided_at, reason) on revision to lantian_app;
grant update (replayed_at, replay_outcome) on reject to lantian_app;
grant insert, delete on dirty_hour, dirty_day, dirty_period to lantian_app;
-- `select ... for update skip locked` needs the right to update some column.
grant update (marked_at) on dirty_hour, dirty_day, dirty_period to lantian_app;
grant insert, update, delete on aqi_level, limit_value, pollutant, reason to lantian_app;

-- Screens: lantian_reader gets the views of schema screen one by one, and nothing here.
do $$
begin
    if pg_has_role(current_user, (select datdba from pg_database where datname = current_database()), 'usage') then
        execute format('revoke all on database %I from public', current_database());
        execute format(
            'grant connect on database %I to lantian_owner, lantian_writer, lantian_app, lantian_reader', current_database());
        execute format('grant temporary on database %I to lantian_writer, lantian_app', current_database());
        execute format('alter database %I set search_path to lantian, screen, public', current_database());
    end if;
end
$$;
