"""系统运行: what the collector, the jobs, the queues and the database are doing."""

from __future__ import annotations

from typing import Final

from dashboards.colour import BLUE, GREEN, GREY, ORANGE, RED, steps, word_mapping
from dashboards.dashboard import Dashboard
from dashboards.layout import Heading
from dashboards.panel import Panel
from dashboards.shared import alerts, outcomes
from dashboards.visualisation import console_link, fixed, override, stat, table, text, timeseries

#: Minutes: while stations report every minute, a batch is written at least that often.
_AGE: Final = steps((None, GREEN), (5, ORANGE), (30, RED))
_ANY: Final = steps((None, GREEN), (1, RED))
_WAITING: Final = steps((None, GREEN), (5_000, ORANGE), (100_000, RED))
_OUTCOMES: Final = word_mapping(("完成", GREEN), ("失败", RED), ("中断", ORANGE), ("运行中", BLUE))
_WAIT: Final = steps((None, GREEN), (15, ORANGE), (60, RED))

RECEIVED: Final = Panel(
    id=1,
    title="近 1 小时报文",
    description="采集程序近一小时收到的报文数和其中拒收的报文数。",
    visualisation=stat(decimals=0, background=False).with_overrides(override("拒收", color=fixed(RED))),
    width=6,
    height=4,
    sql=("received",),
    unit="short",
)
BALANCE: Final = Panel(
    id=2,
    title="接收账目（24 小时）",
    description="每一批：收到 = 入库 + 重复 + 修订 + 拒收。不平衡说明有报文下落不明，须立即查明。",
    visualisation=stat(fields="/.*/", mappings=(word_mapping(("平衡", GREEN), ("不平衡", RED), ("没有批次", GREY)),)),
    width=4,
    height=4,
    sql=("balance",),
)
BATCH_AGE: Final = Panel(
    id=3,
    title="距上一批入库",
    description="最近一批报文写入数据库距现在的分钟数；站点正常而此值增大，说明采集程序停止或数据库不可用。",
    visualisation=stat(thresholds=_AGE, decimals=1),
    width=4,
    height=4,
    sql=("batch_age",),
    unit="m",
)
FAILURES: Final = Panel(
    id=4,
    title="任务失败（24 小时）",
    description="近 24 小时失败或中断的定时任务次数；详情见定时任务表。",
    visualisation=stat(thresholds=_ANY, decimals=0),
    width=3,
    height=4,
    sql=("failures",),
    unit="suffix:次",
)
WAITING: Final = Panel(
    id=5,
    title="待重算",
    description="等待重算的小时、日和时段数；持续增长说明统计程序停止或跟不上。",
    visualisation=stat(thresholds=_WAITING, decimals=0),
    width=3,
    height=4,
    sql=("waiting",),
    unit="short",
)
SIZE: Final = Panel(
    id=6,
    title="数据占用",
    description="业务表及其分块和索引占用的磁盘空间。",
    visualisation=stat(decimals=1, background=False),
    width=4,
    height=4,
    sql=("size",),
    unit="bytes",
)
MESSAGES: Final = outcomes(7, "报文按结果", ("ledger_batch", "committed_at"), interval="1m")
BATCH: Final = Panel(
    id=8,
    title="批次最长用时",
    description="每个采集程序从收到一批的第一条报文到整批提交的最长时间。",
    visualisation=timeseries(decimals=2),
    width=12,
    height=9,
    sql=("batch",),
    unit="s",
    interval="1m",
)
#: Names of the scheduled jobs in Chinese; `lantian job list` has the others.
JOB_NAMES: Final = {
    "alerts": "告警规则判定",
    "budget": "余量测算",
    "calibrate": "微站校准",
    "demonstration": "演示数据",
    "escalate": "逾期升级",
    "evaluate_warnings": "预警研判",
    "forecast": "发布预报",
    "forecast-intake": "接收官方预报",
    "forecast-skill": "预报检验",
    "forecast-train": "训练预报模型",
    "integrity": "真实性检查",
    "integrity-vehicle": "车辆真实性检查",
    "ledger": "账目汇总",
    "quality": "自动质控",
    "report": "生成报告",
    "retention": "到期数据清理",
    "rolling": "滚动评价",
    "source-hint": "来源线索",
    "tidy": "运行记录清理",
    "time-window": "时段管控判定",
    "verify_orders": "减排核验",
}
_JOB_WORDS: Final = {
    "options": {name: {"index": at, "text": words} for at, (name, words) in enumerate(JOB_NAMES.items())},
    "type": "value",
}
JOBS: Final = Panel(
    id=9,
    title="定时任务",
    description="每个定时任务最近一次执行的结果、用时和错误，失败者在前；"
    "命令 `lantian job list` 给出各任务的间隔、用途和处理数量。",
    visualisation=table(
        override("任务", custom_width=150, mappings=[_JOB_WORDS]),
        override("结果", custom_displayMode="color-background-solid", custom_width=80, mappings=[_OUTCOMES]),
        override("上次开始", custom_width=130, unit="time:MM-DD HH:mm:ss"),
        override("用时", custom_width=80, decimals=1, unit="s"),
        override("距上次完成", custom_width=105, decimals=0, unit="m"),
        override("24小时失败", custom_displayMode="color-text", custom_width=100, thresholds=_ANY),
    ),
    width=15,
    height=11,
    sql=("jobs",),
)
QUEUES: Final = Panel(
    id=10,
    title="队列",
    description="等待处理的条数和其中最早一条已等待的分钟数。",
    visualisation=table(
        override("队列", custom_width=160),
        override("等待", custom_width=100, decimals=0, unit="short"),
        override("最久等待", custom_displayMode="color-text", custom_width=110, decimals=0, thresholds=_WAIT, unit="m"),
    ),
    width=9,
    height=11,
    sql=("queues",),
)
TABLES: Final = Panel(
    id=11,
    title="占用最多的表",
    description="占用空间最多的 30 张表；按时间分块的表包括全部分块。",
    visualisation=table(
        override("表", custom_width=180),
        override("内容", custom_width=420),
        override("占用", custom_width=110, decimals=1, unit="bytes"),
        override("分块", custom_width=80),
    ),
    width=15,
    height=11,
    sql=("tables",),
)
CONNECTIONS: Final = Panel(
    id=12,
    title="数据库连接",
    description="按程序和数据库角色计数的连接。",
    visualisation=table(
        override("程序", custom_width=200),
        override("角色", custom_width=130),
        override("连接数", custom_width=80),
    ),
    width=9,
    height=11,
    sql=("connections",),
)
_ALERTS: Final = "尚未处理完的告警（设备、数据、任务、积压、磁盘等），程度重的在前。"
ALERTS: Final = alerts(14, _ALERTS, of_area=False, size=(15, 9))
OUTBOX: Final = Panel(
    id=15,
    title="通知发送",
    description="各渠道的通知：待发送、发送中、近 24 小时已送达、失败（可用 `lantian delivery replay` 重发）"
    "和最久等待的分钟数。",
    visualisation=table(
        override("渠道", custom_width=100, links=[console_link("在操作台查看", "/delivery")]),
        override("失败", custom_displayMode="color-text", custom_width=70, thresholds=_ANY),
        override("最久等待", custom_displayMode="color-text", custom_width=95, decimals=0, thresholds=_WAIT, unit="m"),
    ),
    width=9,
    height=9,
    sql=("outbox",),
    empty="近 24 小时没有通知",
)
NOTES: Final = Panel(
    id=13,
    title="说明",
    description="异常时先看哪里。",
    visualisation=text(
        "**没有新批次**：先看 `lantian status` 中 collect 和 mosquitto 是否在运行，再看各设备是否在线"
        "（[数据质量与设备](/d/lantian-data)）。  \n"
        "**待重算持续增长**：看 settle 是否在运行、定时任务是否失败。  \n"
        "**账目不平衡**：运行 `lantian doctor`，并保留数据库日志。  \n"
        "**磁盘**：`lantian doctor` 检查剩余空间；原始报文占用最多，可按保留期限清理。"
    ),
    width=24,
    height=5,
)

SYSTEM_DASHBOARD: Final = Dashboard(
    uid="lantian-system",
    folder="system",
    title="系统运行",
    description="采集程序、定时任务、队列和数据库的运行情况。",
    variables=(),
    shelves=(
        (RECEIVED, BALANCE, BATCH_AGE, FAILURES, WAITING, SIZE),
        (MESSAGES, BATCH),
        Heading(100, "任务与队列"),
        (JOBS, QUEUES),
        (ALERTS, OUTBOX),
        Heading(101, "数据库"),
        (TABLES, CONNECTIONS),
        (NOTES,),
    ),
    time_from="now-6h",
    time_to="now",
    refresh="30s",
    empty="暂无数据：采集程序或定时任务没有运行（lantian status）",
)
