"""A process of its own that sends what is due, so that a test can kill it: ``DATABASE_URL SMTP_PORT``."""

import asyncio
import sys

from callcenter.core.config import Settings
from callcenter.core.db import Database
from callcenter.messaging.mail import MailServer
from callcenter.messaging.sender import MessageSender
from callcenter.messaging.webhook_targets import Allowed
from callcenter.messaging.webhooks import WebhookSender


async def main(database_url: str, port: int) -> None:
    mail = MailServer("127.0.0.1", port, "none", "hotline@hospital.example")
    sender = MessageSender(Database(database_url), "pbx1", mail, WebhookSender(Allowed.of(Settings()), "key"))
    await sender.run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
