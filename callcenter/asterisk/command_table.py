"""The closed list of what may be asked of a PBX: the plain commands and those about live calls."""

from collections.abc import Mapping

from callcenter.asterisk.call_commands import CALL_COMMANDS
from callcenter.asterisk.commands import COMMANDS, Command
from callcenter.asterisk.supervisor_commands import SUPERVISOR_COMMANDS

ALL_COMMANDS: Mapping[str, type[Command]] = {
    **COMMANDS,
    **{command.action: command for command in (*CALL_COMMANDS, *SUPERVISOR_COMMANDS)},
}
"""By the action's name, as it stands in ``pbx_commands``."""
