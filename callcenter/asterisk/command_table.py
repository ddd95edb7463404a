"""The closed list of what may be asked of a PBX: the plain commands, those about live calls, those of campaigns."""

from collections.abc import Mapping

from callcenter.asterisk.call_commands import CALL_COMMANDS
from callcenter.asterisk.campaign_commands import CAMPAIGN_COMMANDS
from callcenter.asterisk.commands import COMMANDS, Command
from callcenter.asterisk.supervisor_commands import SUPERVISOR_COMMANDS

_OTHERS: tuple[type[Command], ...] = (*CALL_COMMANDS, *SUPERVISOR_COMMANDS, *CAMPAIGN_COMMANDS)
ALL_COMMANDS: Mapping[str, type[Command]] = {**COMMANDS, **{command.action: command for command in _OTHERS}}
"""By the action's name, as it stands in ``pbx_commands``."""
