-- The daily maximum 8 h mean of O3 is forecast for rolling days too.

alter table forecast_series drop constraint forecast_series_check2;
alter table forecast_series add constraint forecast_series_daily_ozone check (kind <> 'hour' or item <> 'o3_8h');
