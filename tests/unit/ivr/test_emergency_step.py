"""An emergency: first the fact, then the way; a forged number gains no place."""

from callcenter.asterisk import variables
from callcenter.ivr.call import CallContext, Caller
from callcenter.ivr.simulation.line import SimulatedLine, scripted
from callcenter.ivr.simulation.services import simulated_services
from callcenter.ivr.steps.emergency import Emergency

PATIENT = "0190b1b2-0000-7000-8000-000000000001"
STEP = Emergency.model_validate({"emergency": "true", "next": "person"})
VIP = Caller(e164="+8613900000006", patient_id=PATIENT, grade="gold", verified=True, head_start_seconds=600)
FORGED = Caller(e164="+8613900000006", patient_id=PATIENT, grade="gold")
NO_VIP = Caller(e164="+8613800000001", patient_id=PATIENT, verified=True)


async def pressed_by(caller: Caller) -> tuple[SimulatedLine, Caller]:
    line = SimulatedLine("1", "+8613900000006", scripted(""), lambda _text: None, None)
    line.variables[variables.PRIORITY] = "2087000000"  # already waiting in a queue
    call = CallContext(line, simulated_services(), caller)
    assert await STEP.run(call) == "next"
    return line, call.caller


async def test_a_verified_vip_is_the_next_to_be_served() -> None:
    line, caller = await pressed_by(VIP)
    assert line.transcript[0] == f"ledger CC_EMERGENCY patient={PATIENT}:verified=1"
    assert caller.head_start_seconds == 86_400
    assert line.variables[variables.PRIORITY] == ""


async def test_a_forged_number_keeps_its_place() -> None:
    line, caller = await pressed_by(FORGED)
    assert line.transcript == [f"ledger CC_EMERGENCY patient={PATIENT}:verified=0"]
    assert caller == FORGED
    assert line.variables[variables.PRIORITY] == "2087000000"


async def test_a_verified_patient_without_grade_keeps_the_place_too() -> None:
    line, caller = await pressed_by(NO_VIP)
    assert line.transcript == [f"ledger CC_EMERGENCY patient={PATIENT}:verified=1"]
    assert caller == NO_VIP
