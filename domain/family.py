"""Families of readings: what one device measures at one instant is one row of one wide table."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Column:
    """One value column of a family: its key, Chinese name and canonical unit."""

    key: str
    name_zh: str
    unit: str


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of reading. The order of `columns` is the order of flag and mark letters and of every array."""

    key: str
    table: str
    name_zh: str
    columns: tuple[Column, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the value columns, in order."""
        return tuple(column.key for column in self.columns)

    @property
    def width(self) -> int:
        """Number of value columns."""
        return len(self.columns)

    def position(self, key: str) -> int:
        """Index of the value column `key`; `KeyError` when the family has none of that name."""
        return _POSITIONS[self.key][key]


def _columns(*rows: tuple[str, str, str]) -> tuple[Column, ...]:
    return tuple(Column(*row) for row in rows)


AIR: Final = Family(
    "air",
    "air_reading",
    "环境空气",
    _columns(
        ("pm25", "细颗粒物", "µg/m³"),
        ("pm10", "可吸入颗粒物", "µg/m³"),
        ("so2", "二氧化硫", "µg/m³"),
        ("no2", "二氧化氮", "µg/m³"),
        ("co", "一氧化碳", "mg/m³"),
        ("o3", "臭氧", "µg/m³"),
        ("tsp", "总悬浮颗粒物", "µg/m³"),
        ("temperature", "气温", "℃"),
        ("humidity", "相对湿度", "%"),
        ("pressure", "气压", "hPa"),
        ("wind_speed", "风速", "m/s"),
        ("wind_direction", "风向", "°"),
    ),
)
STACK: Final = Family(
    "stack",
    "stack_reading",
    "固定污染源烟气",
    _columns(
        ("pm", "颗粒物实测", "mg/m³"),
        ("so2", "二氧化硫实测", "mg/m³"),
        ("nox", "氮氧化物实测", "mg/m³"),
        ("co", "一氧化碳实测", "mg/m³"),
        ("nh3", "氨", "mg/m³"),
        ("pm_converted", "颗粒物折算", "mg/m³"),
        ("so2_converted", "二氧化硫折算", "mg/m³"),
        ("nox_converted", "氮氧化物折算", "mg/m³"),
        ("co_converted", "一氧化碳折算", "mg/m³"),
        ("o2", "氧含量", "%"),
        ("flow", "烟气流量", "m³/s"),
        ("velocity", "烟气流速", "m/s"),
        ("flue_temperature", "烟气温度", "℃"),
        ("flue_pressure", "烟气压力", "kPa"),
        ("flue_humidity", "烟气湿度", "%"),
    ),
)
VEHICLE: Final = Family(
    "vehicle",
    "vehicle_reading",
    "重型车远程排放",
    _columns(
        ("speed", "车速", "km/h"),
        ("barometric_pressure", "大气压力", "kPa"),
        ("net_torque", "净输出扭矩", "%"),
        ("friction_torque", "摩擦扭矩", "%"),
        ("engine_speed", "发动机转速", "r/min"),
        ("fuel_rate", "燃料流量", "L/h"),
        ("nox_upstream", "SCR上游NOx", "ppm"),
        ("nox_downstream", "SCR下游NOx", "ppm"),
        ("reagent_level", "反应剂余量", "%"),
        ("intake_air", "进气量", "kg/h"),
        ("scr_inlet_temperature", "SCR入口温度", "℃"),
        ("scr_outlet_temperature", "SCR出口温度", "℃"),
        ("dpf_pressure", "DPF压差", "kPa"),
        ("coolant_temperature", "冷却液温度", "℃"),
        ("tank_level", "油箱液位", "%"),
        ("longitude", "经度", "°"),
        ("latitude", "纬度", "°"),
        ("odometer", "累计里程", "km"),
        ("mil", "故障灯", "1"),
    ),
)
PLANT: Final = Family(
    "plant",
    "plant_reading",
    "工况与用电",
    _columns(
        ("power", "有功功率", "kW"),
        ("energy", "累计电量", "kWh"),
        ("voltage_a", "A相电压", "V"),
        ("voltage_b", "B相电压", "V"),
        ("voltage_c", "C相电压", "V"),
        ("current_a", "A相电流", "A"),
        ("current_b", "B相电流", "A"),
        ("current_c", "C相电流", "A"),
        ("power_factor", "功率因数", "1"),
        ("running", "运行状态", "1"),
        ("load", "生产负荷", "%"),
    ),
)

FAMILIES: Final = MappingProxyType({family.key: family for family in (AIR, STACK, VEHICLE, PLANT)})
_POSITIONS = {family.key: {key: at for at, key in enumerate(family.keys)} for family in FAMILIES.values()}

#: What one row's span may be: seconds of time the row covers; 0 is an instant. The time label is the start of the span.
SPANS_ZH: Final = MappingProxyType({0: "实时", 60: "分钟", 300: "5分钟", 600: "10分钟", 3600: "小时", 86400: "日"})
