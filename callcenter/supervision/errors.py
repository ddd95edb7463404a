"""What a supervisor may be refused."""

from callcenter.core.errors import Conflict, Forbidden, NotFound


class OutsideScope(Forbidden):
    code = "outside-queue-scope"
    title_en, title_zh = "This queue is steered by other supervisors.", "该队列不在您的管理范围内。"


class AgentNotOnCall(Conflict):
    code = "agent-not-on-call"
    title_en, title_zh = "This agent is not on a call.", "该坐席当前没有通话。"


class CallNotKnownYet(Conflict):
    """``Retry`` makes sense: the ledger tells of a new call within two seconds."""

    code = "call-not-known-yet"
    title_en = "It is not known yet whose call this is: try again in two seconds."
    title_zh = "该通话刚刚开始，归属队列尚未确定，请两秒后重试。"


class CallOver(Conflict):
    code = "call-over"
    title_en, title_zh = "This call is over.", "该通话已结束。"


class CallerNotWaiting(Conflict):
    code = "caller-not-waiting"
    title_en, title_zh = "This caller does not wait any more.", "该来电者已不在排队。"


class AlreadyInQueue(Conflict):
    code = "already-in-queue"
    title_en, title_zh = "This caller waits in that queue already.", "该来电者已在该队列中。"


class CallbackNotMovable(Conflict):
    code = "callback-not-movable"
    title_en = "A place kept for a call-back stays in its queue."
    title_zh = "回电预留的位置不能移到其他队列。"


class ComplainedAgentServes(Conflict):
    code = "complained-agent-serves-queue"
    title_en = "The agent complained of would be offered this call there."
    title_zh = "被投诉的坐席在该队列服务，不能将此来电移入。"


class QueueTakesNobody(Conflict):
    code = "queue-takes-nobody"
    title_en, title_zh = "This queue takes no callers now.", "该队列当前不接受来电。"


class NoSeat(Conflict):
    code = "supervisor-without-seat"
    title_en = "Say at which seat you are: your telephone there will ring."
    title_zh = "请先签入座席，或指定一个座席，系统将呼叫该话机。"


class SeatNotRegistered(Conflict):
    code = "telephone-away"
    title_en, title_zh = "The telephone of this seat is not registered.", "该座席的话机未注册。"


class OwnConversation(Conflict):
    code = "own-conversation"
    title_en, title_zh = "This is your own conversation.", "这是您自己的通话。"


class NotListening(Conflict):
    code = "not-listening"
    title_en, title_zh = "You listen to nobody.", "您当前没有监听任何通话。"


class CommandNotFound(NotFound):
    code = "command-not-found"
    title_en, title_zh = "You have asked for no such thing.", "未找到您的该项操作。"


class NumberNotFound(NotFound):
    code = "number-not-found"
    title_en, title_zh = "There is no such number of ours.", "没有这个接入号码。"
