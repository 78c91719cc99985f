"""How much nearer micro stations come to their reference station, on the demonstration network.

Each micro station is calibrated over four weeks and judged on the week after, which the fit has not seen; four seasons,
hour means of the simulator. Run as ``python -m benchmarks.calibrate``.
"""

from __future__ import annotations

import datetime as dt

import numpy as np

from analytics.calibration import CALIBRATION_LIMITS, Inputs, corrected, fit_calibration
from app.job.calibration import MICRO, nearest_reference
from domain.county import load_county
from domain.pollutant import SIX_KEYS
from firmware_sim.station import county_stations, measured
from firmware_sim.weather import Sky
from store.device_hour import AirDevice

SEED, HOUR_S = 1, 3600
SEASONS = [dt.datetime(2026, month, 5, tzinfo=dt.UTC) for month in (1, 4, 7, 10)]
WEEK_H = 168


def main() -> None:
    """Print RMSE and bias before and after, per pollutant."""
    county, sky = load_county("zhongyang"), Sky(SEED)
    sites = {site.id: site for site in county.sites}
    stations = {station.id: station for station in county_stations(county)}
    devices = [
        AirDevice(
            station.id, station.site, "", sites[station.site].kind, sites[station.site].longitude,
            sites[station.site].latitude, station.interval_s,
        )
        for station in stations.values()
    ]  # fmt: skip
    by_site = {device.site_id: device.id for device in devices}
    train_h = int(CALIBRATION_LIMITS.window_days * 24)
    errors: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {key: [] for key in SIX_KEYS}
    versions, used, far, outside, hours = 0, 0, 0, 0, 0
    for season in SEASONS:
        starts_s = int(season.timestamp()) + HOUR_S * np.arange(train_h + WEEK_H, dtype=np.int64)
        shown = {name: measured(sky, station, starts_s, HOUR_S) for name, station in stations.items()}
        for device in (each for each in devices if each.kind == MICRO):
            found = nearest_reference(device, devices)
            if found is None:
                far += 1
                continue
            own, truth = shown[device.id], shown[by_site[found[0]]]
            for key in SIX_KEYS:
                inputs = Inputs(own[key], own["humidity"], own["temperature"])
                fit = fit_calibration(key, inputs.rows(np.arange(train_h)), truth[key][:train_h])
                versions += 1
                used += fit.accepted
                if not fit.accepted or fit.model is None:
                    continue
                result = corrected(fit.model, inputs.rows(np.arange(train_h, train_h + WEEK_H)))
                outside, hours = outside + int(result.extrapolated.sum()), hours + WEEK_H
                errors[key].append((own[key][train_h:] - truth[key][train_h:], result.values - truth[key][train_h:]))
    print(f"{versions} fits, {used} used; {far} station-seasons without a reference station within reach")
    print(f"{100 * outside / hours:.1f} % of the judged hours lie outside the range of the training")
    for key, pairs in errors.items():
        raw, after = (np.concatenate([pair[at] for pair in pairs]) for at in (0, 1))
        kept = ~np.isnan(after)
        rmse = [float(np.sqrt(np.mean(each[kept] ** 2))) for each in (raw, after)]
        within = [float(np.mean(np.abs([np.nanmean(pair[at]) for pair in pairs]))) for at in (0, 1)]
        print(
            f"{key:5} RMSE {rmse[0]:.3g} -> {rmse[1]:.3g}; mean absolute bias of a station {within[0]:.3g} -> "
            f"{within[1]:.3g}; {len(pairs)} versions; not corrected {100 * (1 - kept.mean()):.1f} %"
        )


if __name__ == "__main__":
    main()
