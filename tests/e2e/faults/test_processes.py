"""Processes of ours killed, frozen and stopped, with callers at every place of their way."""

from callcenter.roles import ProcessRole
from demo.hospital import PATIENTS
from tests.e2e.faults.scene import callers_everywhere
from tests.e2e.hotline import Hotline


async def test_ivr_killed(hotline: Hotline) -> None:
    await hotline.stack.start_service([ProcessRole.API, ProcessRole.ENGINE])
    ivr = await hotline.stack.start_service([ProcessRole.IVR], http_port=hotline.settings.trunk_port)
    scene = await callers_everywhere(hotline)
    await ivr.kill()
    await scene.dials(PATIENTS[10])
    await hotline.stack.start_service([ProcessRole.IVR], http_port=hotline.settings.trunk_port)
    await scene.nothing_was_lost()
    await scene.is_in_a_queue_in_time(PATIENTS[10])
