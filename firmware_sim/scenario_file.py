"""Scenario files: which devices live, what goes wrong with them and when (docs/simulator.md describes the format)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from domain.county import County
from domain.error import ConfigurationError
from domain.family import FAMILIES, SPANS_ZH
from domain.table import ID, load_toml
from domain.warning_state import ISSUED
from firmware_sim.checks import FOREVER_S, Checks
from firmware_sim.device import KINDS, Device
from firmware_sim.episode import RISE_S, Episode
from firmware_sim.fault import BREAKS, LINES, ONLY, OPTIONS, SLOW_TCP, TREATMENT_OFF, Fault, Option
from firmware_sim.station import Station, county_stations
from firmware_sim.works import OUTLETS, Bypass, Curtailment

#: Scenarios that are shipped.
SCENARIOS: Final = Path(__file__).parent / "scenario"
_TOP: Final = (
    "title",
    "county",
    "county_devices",
    "seed",
    "start",
    "speed",
    "history",
    "since_first",
    "connections",
    "device",
    "fault",
    "episode",
    "curtailment",
    "drill",
)
_DEVICE: Final = (
    *("id", "kind", "count", "name_zh", "protocol", "interval", "span", "enterprise", "outlet"),
    *("township", "longitude", "latitude", "encryption", "transport"),
)
CHOICES: Final = {"encryption": ("none", "sm4"), "transport": ("mqtt", "tcp")}
#: Options that are times in the file.
_TIMES: Final = ("by", "back", "pause")
#: Simulated devices are spread over so many degrees around the place of their entry.
_SPREAD_DEG: Final = 0.12


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Level of the warning that a drill rehearses; Unix times at which its orders begin and it is lifted."""

    level: str
    order_s: int
    lift_s: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario ready to play; times are Unix seconds.

    `history_s` seconds before the start are sent too, as hours of stacks, meters and operating conditions.
    `connections` is the number of connections, 0 one per device; with `own_accounts` each has the device's own
    credentials, otherwise the account ``simulator``. `own` are the devices that the file declares,
    `devices` these and those of the county.
    """

    name: str
    title: str
    county: str
    seed: int | None
    start_s: int
    speed: float
    history_s: int
    connections: int
    own_accounts: bool
    devices: tuple[Device, ...]
    own: tuple[Device, ...]
    townships: Mapping[str, str]
    bypasses: tuple[Bypass, ...]
    episodes: tuple[Episode, ...]
    curtailments: tuple[Curtailment, ...] = ()
    rehearsal: Rehearsal | None = None


def scenario_path(name_or_path: str) -> Path:
    """File of a shipped scenario, or the path itself."""
    shipped = SCENARIOS / f"{name_or_path}.toml"
    path = shipped if shipped.is_file() else Path(name_or_path)
    if not path.is_file():
        names = ", ".join(sorted(one.stem for one in SCENARIOS.glob("*.toml")))
        raise ConfigurationError(f"scenario {name_or_path!r}: found no such file; shipped ones are {names}")
    return path


def load_scenario(path: Path, county: County, now_s: float, first_s: int | None = None) -> Scenario:
    """The scenario of a file.

    Parameters
    ----------
    path : Path
        TOML file.
    county : County
        Data set of the county in which it plays: its stations, enterprises and position.
    now_s : float
        Unix time to which the file's times are relative.
    first_s : int, optional
        When it was played for the first time: faults, episodes and curtailments of a file that says `since_first` are
        relative to that, so that the next play does not contradict what the first one sent.

    Raises
    ------
    ConfigurationError
        Names file, entry, what was found and what was expected; all faults of the file at once.
    """
    return _Reader(path, county).scenario(int(now_s), first_s)


class _Reader(Checks):
    """Reads one file and collects what is wrong with it."""

    def __init__(self, path: Path, county: County) -> None:
        super().__init__(path)
        self.county = county
        self.table = load_toml(path)

    def scenario(self, now_s: int, first_s: int | None) -> Scenario:
        top = self.table
        self.names(top, _TOP, "top")
        if top.get("county", self.county.id) != self.county.id:
            self.fault("county", top["county"], f"{self.county.id}, the county it is played in")
        start_s = now_s + self.span("start", top.get("start", "0s"), low=-366 * 86400, high=0)
        speed = self.number("speed", top.get("speed", 1), 0.001, 1_000_000)
        if speed != 1 and start_s == now_s:
            self.fault("speed", speed, "a start in the past too, such as -2h")
        history_s = self.span("history", top.get("history", "0s"), low=0, high=366 * 86400)
        own = self.devices()
        devices = (*self.county_devices(), *own)
        repeated = [name for name, times in Counter(one.id for one in devices).items() if times > 1]
        if repeated:
            self.fault("device", ", ".join(repeated[:5]), "ids that no other device has")
        if not devices and not self.wrong:
            self.fault("device", "none", "county_devices or a [[device]]")
        origin_s = first_s if top.get("since_first") is True and first_s is not None else start_s
        faults = self.faults(devices, origin_s)
        episodes = tuple(self.episode(at, one, origin_s) for at, one in enumerate(self.entries("episode"), 1))
        curtailments = self.curtailments(devices, origin_s)
        rehearsal = self.rehearsal(top["drill"], start_s) if "drill" in top else None
        links = top.get("connections", 1)
        connections = 0 if links in ("each", "own") else int(self.number("connections", links, 1, 100_000))
        seed = int(self.number("seed", top["seed"], 0, 2**31)) if "seed" in top else None
        if self.wrong:
            raise ConfigurationError("\n".join(self.wrong))
        by_device: dict[str, list[Fault]] = {}
        for one in faults:
            for name in one.devices:
                by_device.setdefault(name, []).append(one)
        bypasses = tuple(
            Bypass(one.enterprise, one.start_s, one.end_s) for one in faults if one.kind == TREATMENT_OFF
        )  # fmt: skip
        return Scenario(
            self.path.stem, str(top.get("title", self.path.stem)), self.county.id, seed, start_s, speed,
            history_s, connections,
            links == "own",
            tuple(replace(one, faults=tuple(by_device.get(one.id, ()))) for one in devices),
            own, self.townships, bypasses, episodes, curtailments, rehearsal,
        )  # fmt: skip

    def county_devices(self) -> tuple[Device, ...]:
        """Stations of the county's data set that the file takes."""
        chosen = self.table.get("county_devices", "none")
        stations = county_stations(self.county)
        patterns: Sequence[object] = (
            {"all": ["*"], "none": []}.get(chosen, [chosen])
            if isinstance(chosen, str)
            else (chosen if isinstance(chosen, list) else [chosen])
        )
        found: dict[str, Station] = {}
        for pattern in patterns:
            matching = [one for one in stations if isinstance(pattern, str) and fnmatchcase(one.id, pattern)]
            if not matching:
                self.fault("county_devices", pattern, f"all, none or ids of stations of {self.county.id}")
            found |= {one.id: one for one in matching}
        return tuple(
            Device(
                one.id, one.county, one.site, "micro" if one.micro else "air", one.protocol, one.mn, one.span_s,
                one.interval_s, site_kind=one.kind,
            )
            for one in found.values()
        )  # fmt: skip

    def devices(self) -> tuple[Device, ...]:
        """Devices that the file declares, `count` of each entry."""
        self.townships: dict[str, str] = {}
        made: list[Device] = []
        for at, entry in enumerate(self.entries("device"), 1):
            where = f"device {at}"
            if not self.names(entry, _DEVICE, where):
                continue
            base, kind_name = str(entry.get("id", "")), str(entry.get("kind", ""))
            if ID.fullmatch(base) is None:
                self.fault(f"{where}: id", base, "lower-case letters, digits and hyphens")
            kind = KINDS.get(kind_name)
            if kind is None:
                self.fault(f"{where}: kind", kind_name, f"one of {', '.join(KINDS)}")
                continue
            protocol = self.choice(f"{where}: protocol", entry.get("protocol", kind.protocols[0]), kind.protocols)
            count = int(self.number(f"{where}: count", entry.get("count", 1), 1, 100_000))
            interval_s = self.span(
                f"{where}: interval", entry.get("interval", f"{kind.interval_s}s"), low=1, high=86400
            )
            span_s = self.span(f"{where}: span", entry.get("span", self.usual_span(kind_name)), low=0, high=86400)
            if span_s not in SPANS_ZH:
                self.fault(f"{where}: span", entry.get("span"), f"one of {', '.join(map(str, SPANS_ZH))} seconds")
            enterprise, outlet = str(entry.get("enterprise", "")), str(entry.get("outlet", ""))
            if kind.works or enterprise:
                self.choice(f"{where}: enterprise", enterprise, [one.id for one in self.county.enterprises])
            if kind.works:
                self.choice(f"{where}: outlet", outlet, list(OUTLETS))
            encrypted = self.of_hj212(where, "encryption", entry, protocol) == "sm4"
            tcp = self.of_hj212(where, "transport", entry, protocol) == "tcp"
            name = str(entry.get("name_zh", f"{OUTLETS[outlet].name_zh if outlet in OUTLETS else ''}{kind.title_zh}"))
            for number in range(1, count + 1):
                device = base if count == 1 else f"{base}-{number:04d}"
                east, north = self.place(entry, device, where)
                self.townships[device] = str(entry.get("township", ""))
                title = f"{name}（模拟）" if count == 1 else f"{name}{number}（模拟）"
                made.append(
                    Device(
                        device, self.county.id, device, kind_name, protocol, self.mn(device, protocol), span_s,
                        interval_s, title, east, north, enterprise, outlet,
                        delay_s=_delay(device, interval_s) if count > 50 else 0, encrypted=encrypted,
                        tcp=tcp,
                    )
                )  # fmt: skip
        return tuple(made)

    def of_hj212(self, where: str, name: str, entry: Mapping[str, Any], protocol: str) -> str:
        """A choice whose first word is the usual one; only devices of protocol hj212 may choose another."""
        chosen = self.choice(f"{where}: {name}", entry.get(name, CHOICES[name][0]), CHOICES[name])
        if chosen != CHOICES[name][0] and protocol != "hj212":
            self.fault(f"{where}: {name}", chosen, f"protocol hj212, not {protocol}")
        return chosen

    @staticmethod
    def usual_span(kind: str) -> str:
        return {"air": "60s", "micro": "60s", "cems": "600s"}.get(kind, "0s")

    def mn(self, device: str, protocol: str) -> str:
        """An HJ 212 identity that a device's id determines; 99 after the county's code says that it is simulated."""
        digest = blake2b(device.encode(), digest_size=8).hexdigest().upper()
        return f"{self.county.adcode}99{digest}" if protocol == "hj212" else ""

    def place(self, entry: Mapping[str, Any], device: str, where: str) -> tuple[float, float]:
        east = self.number(f"{where}: longitude", entry.get("longitude", self.county.longitude), 73, 136)
        north = self.number(f"{where}: latitude", entry.get("latitude", self.county.latitude), 3, 54)
        one, other = blake2b(device.encode(), digest_size=2).digest()
        if "count" in entry or "longitude" not in entry:
            east, north = east + (one / 255 - 0.5) * _SPREAD_DEG, north + (other / 255 - 0.5) * _SPREAD_DEG
        return round(east, 5), round(north, 5)

    def faults(self, devices: Sequence[Device], start_s: int) -> tuple[Fault, ...]:
        """Faults of the file, with the devices that their patterns name."""
        made = [self.one_fault(f"fault {at}", one, devices, start_s) for at, one in enumerate(self.entries("fault"), 1)]
        return tuple(one for one in made if one is not None)

    def one_fault(self, where: str, entry: dict[str, Any], devices: Sequence[Device], start_s: int) -> Fault | None:
        kind = str(entry.get("kind", ""))
        allowed = OPTIONS.get(kind)
        if allowed is None:
            self.fault(f"{where}: kind", kind, f"one of {', '.join(OPTIONS)}")
            return None
        whom = "enterprise" if kind == TREATMENT_OFF else "devices"
        if not self.names(entry, ("kind", whom, "start", "duration", *allowed), where):
            return None
        begins_s = start_s + self.moment(f"{where}: start", entry.get("start", "0s"), start_s)
        lasts_s = self.span(f"{where}: duration", entry["duration"], low=1) if "duration" in entry else FOREVER_S
        enterprise, chosen = "", []
        if kind == TREATMENT_OFF:
            works = {one.enterprise for one in devices if KINDS[one.kind].works}
            enterprise = self.choice(f"{where}: enterprise", entry.get("enterprise"), sorted(works))
            chosen = [one for one in devices if one.enterprise == enterprise]
        else:
            for pattern in self.texts(f"{where}: devices", entry.get("devices")):
                matching = [one for one in devices if fnmatchcase(one.id, pattern)]
                if not matching:
                    self.fault(
                        f"{where}: devices", pattern, "ids or patterns such as cems-* of devices of this scenario"
                    )
                chosen += matching
        options = self.options(where, kind, entry, chosen)
        names = frozenset(one.id for one in chosen)
        return Fault(kind, names, begins_s, begins_s + lasts_s, options, enterprise)

    def options(self, where: str, kind: str, entry: dict[str, Any], chosen: Sequence[Device]) -> dict[str, Option]:
        """Options of a fault, checked against the kinds of its devices."""
        found: dict[str, Option] = {}
        for name, default in OPTIONS[kind].items():
            place, value = f"{where}: {name}", entry.get(name, default)
            if value is None:
                self.fault(place, "nothing", f"a value: {kind} needs it")
            elif name in _TIMES:
                found[name] = float(self.span(place, value, low=-FOREVER_S if name == "by" else 1))
            elif name == "columns":
                found[name] = self.columns(place, value, chosen)
            elif name == "how":
                found[name] = self.choice(place, value, LINES if kind == SLOW_TCP else BREAKS)
            elif name == "mark":
                found[name] = self.choice(place, value, ("", *"NFMSDCTB"))
            elif isinstance(default, bool):
                found[name] = value if isinstance(value, bool) else self.fault(place, value, "true or false", False)
            else:
                high = 1.0 if name in ("share", "part") else 1000.0 if name == "copies" else 1e9
                found[name] = self.number(place, value, 0.0 if name in ("share", "part", "copies") else -1e9, high)
        if kind == SLOW_TCP and not all(one.tcp for one in chosen):
            self.fault(f"{where}: devices", "one on MQTT", 'devices with transport = "tcp"')
        if strange := sorted({one.kind for one in chosen} - set(ONLY.get(kind, KINDS))):
            self.fault(f"{where}: devices", ", ".join(strange), f"devices of kind {' or '.join(ONLY[kind])}")
        return found

    def columns(self, where: str, value: object, chosen: Sequence[Device]) -> tuple[str, ...]:
        names = tuple(self.texts(where, value)) if value != () else ()
        for device in {one.kind: one for one in chosen}.values():
            kind = KINDS[device.kind]
            known = {*FAMILIES[kind.family].keys} if not kind.signals else set()
            known |= {one.column for one in kind.signals} | {one.converted for one in kind.signals if one.converted}
            for name in names:
                if name not in known:
                    self.fault(where, name, f"quantities of kind {device.kind}: {', '.join(sorted(known))}")
        return names

    def curtailments(self, devices: Sequence[Device], start_s: int) -> tuple[Curtailment, ...]:
        """Times in which works of the scenario produce less."""
        works = {(one.enterprise, one.outlet) for one in devices if KINDS[one.kind].works}
        made: list[Curtailment] = []
        for at, entry in enumerate(self.entries("curtailment"), 1):
            where = f"curtailment {at}"
            if not self.names(entry, ("enterprise", "outlet", "start", "duration", "load"), where):
                continue
            name = self.choice(f"{where}: enterprise", entry.get("enterprise"), sorted({one for one, _ in works}))
            outlets = sorted(outlet for one, outlet in works if one == name)
            outlet = self.choice(f"{where}: outlet", entry.get("outlet", outlets[0] if outlets else ""), outlets)
            begins_s = start_s + self.moment(f"{where}: start", entry.get("start", "0s"), start_s)
            lasts_s = self.span(f"{where}: duration", entry["duration"], low=1) if "duration" in entry else FOREVER_S
            load = self.number(f"{where}: load", entry.get("load", 0), 0.0, 1.0)
            new = Curtailment(name, outlet, begins_s, begins_s + lasts_s, load)
            if any(_overlap(new, one) for one in made):
                self.fault(where, entry.get("start"), "a time apart from the other curtailments of the works")
            made.append(new)
        return tuple(made)

    def rehearsal(self, entry: object, start_s: int) -> Rehearsal:
        """What a drill does with the scenario."""
        entry = entry if isinstance(entry, dict) else self.fault("drill", entry, "a table [drill]", {})
        self.names(entry, ("level", "order", "lift"), "drill")
        level = self.choice("drill: level", entry.get("level", "red"), ISSUED)
        order, lift = (self.moment(f"drill: {name}", entry.get(name, "1h"), start_s) for name in ("order", "lift"))
        if lift <= order:
            self.fault("drill: lift", entry.get("lift"), "a time after the order")
        return Rehearsal(level, start_s + order, start_s + lift)

    def episode(self, at: int, entry: dict[str, Any], start_s: int) -> Episode:
        where = f"episode {at}"
        self.names(entry, ("start", "rise"), where)
        begins_s = start_s + self.moment(f"{where}: start", entry.get("start", "0s"), start_s)
        return Episode(begins_s, self.span(f"{where}: rise", entry.get("rise", f"{RISE_S}s"), low=60))


def _overlap(one: Curtailment, other: Curtailment) -> bool:
    same = (one.enterprise, one.outlet) == (other.enterprise, other.outlet)
    return same and one.start_s < other.end_s and other.start_s < one.end_s


def _delay(device: str, interval_s: int) -> int:
    """Seconds after the end of a span at which a device of a large fleet sends: they spread over the interval."""
    return blake2b(device.encode(), digest_size=2).digest()[0] * interval_s // 256
