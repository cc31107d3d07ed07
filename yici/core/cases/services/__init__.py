"""Every change to a case, one transaction each. The parts lie beside this file; this is the door.

opening: a case begins, alone or as a sub-case · acting: an action of its workflow · clocks: lights and
deadlines · supervision: urging, orders, assignment · versions: publishing and moving · upkeep: projections ·
tallying: counts.
"""

from yici.core.cases.errors import ActionNotAllowed, ChangedMeanwhile, UrgedAlready
from yici.core.cases.services.acting import act, act_as_system, withdraw
from yici.core.cases.services.clocks import accept_by_silence, fill_deadlines, recompute_lights
from yici.core.cases.services.joining import follow_children, join_children, merge, open_child
from yici.core.cases.services.opening import open_case
from yici.core.cases.services.supervision import (
    WORKING_PERMISSIONS,
    assign,
    auto_assign,
    claim,
    record_look,
    reply_instruction,
    supervise,
    urge,
)
from yici.core.cases.services.tallying import merge_tallies, rebuild_tallies, verify_tallies
from yici.core.cases.services.upkeep import Difference, rebuild, verify_projections
from yici.core.cases.services.versions import (
    Publication,
    load_workflow,
    move_to_version,
    publish_version,
    publish_versions,
)

__all__ = [
    "WORKING_PERMISSIONS",
    "ActionNotAllowed",
    "ChangedMeanwhile",
    "Difference",
    "Publication",
    "UrgedAlready",
    "accept_by_silence",
    "act",
    "act_as_system",
    "assign",
    "auto_assign",
    "claim",
    "fill_deadlines",
    "follow_children",
    "join_children",
    "load_workflow",
    "merge",
    "merge_tallies",
    "move_to_version",
    "open_case",
    "open_child",
    "publish_version",
    "publish_versions",
    "rebuild",
    "rebuild_tallies",
    "recompute_lights",
    "record_look",
    "reply_instruction",
    "supervise",
    "urge",
    "verify_projections",
    "verify_tallies",
    "withdraw",
]
