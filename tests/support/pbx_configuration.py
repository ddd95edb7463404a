"""A small configuration of Asterisk for tests that render one, and an installation that is none."""

from callcenter.asterisk.install import AsteriskInstall
from callcenter.asterisk.render import QueueConf

SIP_PASSWORD = "0123456789abcdefghijABCDEFGHIJ_-"
QUEUE = QueueConf(
    "vip",
    "leastrecent",
    15,
    1,
    10,
    0,
    20,
    announce_position=True,
    announce_every_seconds=30,
    announce_wait=True,
    comfort_prompts=("queue_comfort",),
    comfort_every_seconds=45,
    exit_keys="",
)


class Install(AsteriskInstall):
    """Needs no Asterisk here: only the two places that the templates name."""

    modules_dir = "/usr/lib/asterisk/modules"
    music_dir = "/usr/share/asterisk/moh"
