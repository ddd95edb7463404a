"""What can go wrong with queues."""

from callcenter.core.errors import Conflict, NotFound


class QueueNotFound(NotFound):
    code = "queue-not-found"
    title_en, title_zh = "There is no such queue.", "没有这个队列。"


class QueueInUse(Conflict):
    code = "queue-in-use"
    title_en, title_zh = "A telephone number still leads to this queue.", "仍有号码指向该队列。"


class OverflowCycle(Conflict):
    """``way``: the queues, the first named again at the end."""

    code = "overflow-cycle"
    title_en = "Callers would go round between these queues for ever."
    title_zh = "溢出设置会让来电者在这些队列之间无限循环。"
