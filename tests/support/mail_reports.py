"""Delivery reports as mail servers write them."""


def delivery_report(message_id: str, *, action: str = "failed", original: str = "message/rfc822") -> bytes:
    """Of the mail with this Message-ID, as RFC 3464 has it."""
    lines = f"""From: MAILER-DAEMON@example.com
To: hotline@hospital.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

Your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.com
Arrival-Date: Mon, 2 Mar 2026 10:00:00 +0800

Final-Recipient: rfc822; zhang@example.com
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b1
Content-Type: {original}

From: hotline@hospital.example
To: zhang@example.com
Message-ID: {message_id}
Subject: =?utf-8?b?6aKE57qm?=

--b1--
"""
    return lines.replace("\n", "\r\n").encode()
