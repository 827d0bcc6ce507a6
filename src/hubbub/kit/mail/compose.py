"""Turning a `Mail` into the message that goes over the wire.

Headers are built from parsed values only. A newline in one of them would let whoever chose the
value write headers or recipients of their own, so it is refused here, for every mailer alike.
"""

from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address, AddressHeader
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from hubbub.kit.mail import Mail, MailFailed


def parse_sender(sender: str) -> Address:
    """`Name <address>` or a bare address; raises ValueError for anything else."""
    try:
        header = SMTP.header_factory("From", sender)
    except (MessageError, IndexError) as error:
        raise ValueError(_NOT_ONE_ADDRESS) from error
    addresses = header.addresses if isinstance(header, AddressHeader) else ()
    if len(addresses) != 1 or header.defects or not addresses[0].domain:
        raise ValueError(_NOT_ONE_ADDRESS)
    return addresses[0]


_NOT_ONE_ADDRESS = "must be one mail address such as Hubbub <hubbub@example.com>"


def compose(mail: Mail, sender: Address) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = sender
        message["To"] = _recipient(mail.to)
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(datetime.now(UTC))
        # with a domain, or the standard library asks the resolver for this machine's name
        message["Message-ID"] = make_msgid(domain=sender.domain)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        if mail.html is not None:
            message.add_alternative(mail.html, subtype="html")
        bytes(message)
    except (ValueError, MessageError, IndexError) as error:
        reason = "the mail's address or subject can't be put into a mail header"
        raise MailFailed(reason, retryable=False) from error
    return message


def _recipient(to: str) -> Address:
    """Exactly one address: a list, a display name or a stray character is refused."""
    address = Address(addr_spec=to)
    if not address.username or not address.domain or address.addr_spec != to:
        msg = "not one plain mail address"
        raise ValueError(msg)
    return address
