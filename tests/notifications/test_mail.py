"""What people are told by mail, over SMTP to a server on loopback."""

import asyncio

import httpx2
import pytest
from sqlalchemy import func, select, update

from hubbub.kit.db.dialect import db_now
from hubbub.kit.ids import new_id
from hubbub.kit.jobs import JobContext, NoArgs
from hubbub.kit.jobs.models import JobRecord, JobStatus
from hubbub.kit.mail import Mail, MailFailed
from hubbub.kit.resources import Resources
from hubbub.notifications.jobs import Digest, gather, mail_digest, mail_notice, prune
from hubbub.notifications.models import Notification
from hubbub.notifications.service import notify
from hubbub.notifications.service.telling import MailWanted
from hubbub.notifications.types import MailState
from hubbub.settings import NotificationSettings, Settings
from hubbub.users.types import Role
from tests.fixtures.factories import sign_up_body
from tests.fixtures.mail import Inbox
from tests.fixtures.people import MakePerson, Person
from tests.fixtures.waiting import eventually

PAUSED = "messages.gateway_paused"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    few = NotificationSettings(mails_per_kind=3, window_minutes=60)
    return settings.model_copy(update={"notifications": few, "app_name": "Agora & Co"})


async def tell(hub: Resources, person: Person, *titles: str, kind: str = PAUSED) -> None:
    for title in titles:
        async with hub.database.write() as session:
            await notify(session, person.id, kind, title, "Change it.")


async def ago(hub: Resources, seconds: float) -> None:
    """Makes what was left waiting as old as that."""
    async with hub.database.write() as session:
        await session.execute(update(Notification).values(created_at=db_now(-seconds)))


async def states(hub: Resources) -> list[MailState | None]:
    async with hub.database.read() as session:
        rows = await session.scalars(select(Notification).order_by(Notification.id))
        return [each.mail for each in rows]


async def settled(hub: Resources) -> None:
    """No job is on its way."""

    async def so() -> bool:
        async with hub.database.read() as session:
            going = await session.scalar(
                select(func.count())
                .select_from(JobRecord)
                .where(JobRecord.status.in_([JobStatus.QUEUED, JobStatus.RUNNING]))
            )
            wanted = await session.scalar(
                select(func.count())
                .select_from(JobRecord)
                .where(JobRecord.name == "notifications.mail", JobRecord.status == JobStatus.DONE)
            )
            told = await session.scalar(
                select(func.count()).select_from(Notification).where(Notification.mail.is_not(None))
            )
        return not going and wanted == told

    await eventually(so, within=20)


class TestWelcome:
    async def test_a_new_user_is_welcomed_by_name(
        self, admin: Person, inbox: Inbox, hub: Resources
    ) -> None:
        body = sign_up_body(full_name="Ada Lovelace")
        made = await admin.client.post("/api/v1/users", json=body)
        assert made.status_code == 201

        while (mail := await inbox.next(welcomes=True)).to != body["email"]:
            pass

        assert mail.subject == "Welcome!"
        assert "Ada Lovelace" in mail.text
        assert mail.html is not None
        assert "Ada Lovelace" in mail.html
        assert "Agora & Co" in mail.text
        assert "Agora &amp; Co" in mail.html
        assert hub.settings.public_url in mail.text

    async def test_the_answer_waits_for_no_mail_server(
        self, admin: Person, inbox: Inbox, hub: Resources
    ) -> None:
        """Which is away, and gets the mail when it is back."""
        inbox.refuses_with = "451 later"
        body = sign_up_body()
        made = await admin.client.post("/api/v1/users", json=body)
        assert made.status_code == 201

        async def refused() -> bool:
            return "Welcome!" in inbox.refused

        await eventually(refused)
        inbox.refuses_with = None
        await self.hurry(hub)
        while (await inbox.next(welcomes=True)).to != body["email"]:
            pass

    async def hurry(self, hub: Resources) -> None:
        """Those who wait for their next try needn't."""

        async def waits() -> bool:
            async with hub.database.write() as session:
                hurried = await session.scalars(
                    update(JobRecord)
                    .where(JobRecord.status == JobStatus.QUEUED, JobRecord.attempts > 0)
                    .values(run_at=db_now())
                    .returning(JobRecord.id)
                )
                session.signal("jobs")
                return hurried.first() is not None

        await eventually(waits)

    async def test_a_hostile_name_is_only_a_name(self, people: MakePerson, inbox: Inbox) -> None:
        name = '<a href="https://evil.example">Win</a>'
        person = await people(Role.MEMBER, full_name=name)

        while (message := await inbox.next_message(welcomes=True))["To"] != person.email:
            pass

        html = message.get_body(("html",))
        assert html is not None
        assert '<a href="https://evil' not in html.get_content()
        assert "&lt;a href=" in html.get_content()


class TestOneByOne:
    async def test_a_notification_comes_as_a_mail_in_both_forms(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person
    ) -> None:
        await tell(hub, authenticated_user, "Nothing is pushed to <ada> & co any more")

        mail = await inbox.next()

        assert mail.to == authenticated_user.email
        assert mail.subject == "Nothing is pushed to <ada> & co any more"
        assert "Nothing is pushed to <ada> & co any more" in mail.text
        assert "> Change it." in mail.text
        assert mail.html is not None
        assert "Nothing is pushed to &lt;ada&gt; &amp; co any more" in mail.html
        await settled(hub)
        assert await states(hub) == [MailState.SENT]

    async def test_no_header_can_be_put_in(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person
    ) -> None:
        title = "Hello\r\nBcc: eve@example.com\r\n\r\nYou have won\u2028\u202e"
        await tell(hub, authenticated_user, title)

        message = await inbox.next_message()

        assert message["Bcc"] is None
        assert message["Subject"] == "Hello Bcc: eve@example.com You have won"
        assert message["To"] == authenticated_user.email

    async def test_what_is_read_already_is_not_mailed(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person
    ) -> None:
        inbox.refuses_with = "451 later"
        async with hub.database.write() as session:
            session.add(
                Notification(
                    id=(unwanted := new_id()),
                    user_id=authenticated_user.id,
                    kind=PAUSED,
                    title="Read",
                    mail=MailState.WAITING,
                    read_at=db_now(),
                )
            )

        await mail_notice(JobContext(hub, new_id(), 1), MailWanted(notification_id=unwanted))

        assert "Read" not in inbox.refused
        assert await states(hub) == [None]

    async def test_who_may_not_sign_in_gets_nothing(
        self, hub: Resources, inbox: Inbox, admin: Person, authenticated_user: Person
    ) -> None:
        await admin.client.patch(authenticated_user.path, json={"is_active": False})
        await tell(hub, authenticated_user, "no")
        await tell(hub, admin, "yes")

        assert (await inbox.next()).subject == "yes"
        await settled(hub)
        assert inbox.waiting() == 0

    async def test_a_mail_that_was_cut_off_is_sent_again_the_same(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person
    ) -> None:
        """A kill between sending and noting it: the job runs again and finds what it had taken."""
        notice, job_id = new_id(), new_id()
        async with hub.database.write() as session:
            session.add(
                Notification(
                    id=notice,
                    user_id=authenticated_user.id,
                    kind=PAUSED,
                    title="Once more",
                    mail=MailState.WAITING,
                )
            )
        inbox.refuses_with = "451 later"
        with pytest.raises(MailFailed):
            await mail_notice(JobContext(hub, job_id, 1), MailWanted(notification_id=notice))
        assert await states(hub) == [MailState.WAITING]
        inbox.refuses_with = None

        for job in (new_id(), job_id, job_id):  # somebody else's has nothing to do with it
            await mail_notice(JobContext(hub, job, 2), MailWanted(notification_id=notice))

        assert (await inbox.next()).subject == "Once more"
        assert inbox.waiting() == 0
        assert await states(hub) == [MailState.SENT]

    async def test_an_address_that_is_refused_for_good_is_given_up(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person
    ) -> None:
        inbox.refuses_with = "550 nobody here"
        await tell(hub, authenticated_user, "no")
        await settled(hub)

        assert inbox.refused.count("no") == 1
        assert await states(hub) == [MailState.FAILED]


class TestDigest:
    async def test_a_flood_is_a_few_mails_and_one_for_the_rest(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person
    ) -> None:
        titles = [f"Number {number}" for number in range(20)]
        await asyncio.gather(*(tell(hub, authenticated_user, title) for title in titles))
        await settled(hub)

        singly = [(await inbox.next()).subject for _ in range(3)]
        assert inbox.waiting() == 0
        assert set(singly) < set(titles)
        await gather(JobContext(hub, new_id(), 1), NoArgs())
        await settled(hub)
        assert inbox.waiting() == 0  # not before its time

        await ago(hub, 3601)
        await gather(JobContext(hub, new_id(), 1), NoArgs())
        mail = await inbox.next()

        assert mail.to == authenticated_user.email
        assert mail.subject == "17 notifications from Agora & Co"
        rest = set(titles) - set(singly)
        assert {title for title in titles if f"UTC: {title}\n" in mail.text} == rest
        assert mail.html is not None
        assert all(title in mail.html for title in rest)
        await settled(hub)
        assert await states(hub) == [MailState.SENT] * 20
        await gather(JobContext(hub, new_id(), 1), NoArgs())
        await settled(hub)
        assert inbox.waiting() == 0

    async def test_a_flood_that_goes_on_stays_in_one_mail(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person
    ) -> None:
        await tell(hub, authenticated_user, *map(str, range(5)))
        await settled(hub)
        for _ in range(3):
            await inbox.next()
        await ago(hub, 3601)
        await gather(JobContext(hub, new_id(), 1), NoArgs())
        assert (await inbox.next()).subject.startswith("2 notifications")

        await tell(hub, authenticated_user, "one more")
        await settled(hub)

        assert inbox.waiting() == 0

    async def test_other_kinds_and_other_people_are_not_held_back(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person, other_user: Person
    ) -> None:
        await tell(hub, authenticated_user, *map(str, range(5)))
        await tell(hub, authenticated_user, "mentioned", kind="messages.mentioned")
        await tell(hub, other_user, "theirs")
        await settled(hub)

        mails = [await inbox.next() for _ in range(5)]

        assert {mail.subject for mail in mails} >= {"mentioned", "theirs"}
        assert inbox.waiting() == 0

    async def test_what_was_read_meanwhile_is_left_out(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person
    ) -> None:
        await tell(hub, authenticated_user, *map(str, range(6)))
        await settled(hub)
        for _ in range(3):
            await inbox.next()
        page = (await authenticated_user.client.get("/api/v1/notifications")).json()
        async with hub.database.read() as session:
            waiting = set(
                await session.scalars(
                    select(Notification.title).where(Notification.mail_id.is_(None))
                )
            )
        read, kept, _ = sorted(waiting)
        ids = [each["id"] for each in page["items"] if each["title"] == read]
        await authenticated_user.client.post("/api/v1/notifications/read", json={"ids": ids})
        await ago(hub, 3601)

        await gather(JobContext(hub, new_id(), 1), NoArgs())
        mail = await inbox.next()

        assert mail.subject.startswith("2 notifications")
        assert f"UTC: {kept}\n" in mail.text
        assert f"UTC: {read}\n" not in mail.text

    async def test_who_may_not_sign_in_any_more_is_not_looked_at_again_and_again(
        self, hub: Resources, inbox: Inbox, admin: Person, authenticated_user: Person
    ) -> None:
        await tell(hub, authenticated_user, *map(str, range(5)))
        await settled(hub)
        for _ in range(3):
            await inbox.next()
        await admin.client.patch(authenticated_user.path, json={"is_active": False})
        await ago(hub, 3601)

        await gather(JobContext(hub, new_id(), 1), NoArgs())

        async with hub.database.read() as session:
            digests = select(JobRecord).where(JobRecord.name == "notifications.mail_digest")
            assert (await session.scalars(digests)).all() == []

    async def test_marking_what_is_listed_takes_nothing_from_who_wants_mail_alone(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person
    ) -> None:
        alone = {"kind": PAUSED, "hub": False, "email": True}
        await authenticated_user.client.patch(
            "/api/v1/notifications/preferences", json={"preferences": [alone]}
        )
        await tell(hub, authenticated_user, *map(str, range(5)))
        await settled(hub)
        for _ in range(3):
            await inbox.next()
        await authenticated_user.client.post(
            "/api/v1/notifications/read", json={"everything": True}
        )
        await ago(hub, 3601)

        await gather(JobContext(hub, new_id(), 1), NoArgs())

        assert (await inbox.next()).subject.startswith("2 notifications")

    async def test_one_that_waited_alone_is_a_mail_of_its_own(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person
    ) -> None:
        await tell(hub, authenticated_user, *map(str, range(4)))
        await settled(hub)
        seen = {(await inbox.next()).subject for _ in range(3)}
        await ago(hub, 3601)

        await gather(JobContext(hub, new_id(), 1), NoArgs())

        assert {(await inbox.next()).subject} | seen == {"0", "1", "2", "3"}

    async def test_many_are_counted_and_the_newest_named(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person
    ) -> None:
        async with hub.database.write() as session:
            session.add_all(
                Notification(
                    user_id=authenticated_user.id,
                    kind=PAUSED,
                    title=f"<b>{number}</b>",
                    mail=MailState.WAITING,
                    created_at=db_now(-4000 + number),
                )
                for number in range(60)
            )
        user = Digest(user_id=authenticated_user.id)

        await mail_digest(JobContext(hub, new_id(), 1), user)
        mail = await inbox.next()

        assert mail.subject.startswith("60 notifications")
        assert "<b>59</b>" in mail.text
        assert "<b>9</b>" not in mail.text
        assert "and 10 older ones" in mail.text
        assert mail.html is not None
        assert "<b>" not in mail.html

    async def test_a_digest_that_was_cut_off_is_sent_again_whole(
        self, hub: Resources, inbox: Inbox, authenticated_user: Person
    ) -> None:
        await tell(hub, authenticated_user, *map(str, range(6)))
        await settled(hub)
        for _ in range(3):
            await inbox.next()
        await ago(hub, 3601)
        inbox.refuses_with = "451 later"
        job, user = JobContext(hub, new_id(), 1), Digest(user_id=authenticated_user.id)
        with pytest.raises(MailFailed):
            await mail_digest(job, user)
        inbox.refuses_with = None
        await mail_digest(JobContext(hub, new_id(), 1), user)  # takes nothing away from it
        assert inbox.waiting() == 0

        await mail_digest(job, user)

        assert (await inbox.next()).subject.startswith("3 notifications")


class TestTemplates:
    async def test_a_reset_and_an_invitation_come_in_both_forms(
        self,
        client: httpx2.AsyncClient,
        admin: Person,
        inbox: Inbox,
    ) -> None:
        await client.post("/api/v1/auth/password-reset", json={"email": admin.email})
        reset = await inbox.next()
        made = await admin.client.post(
            "/api/v1/auth/invitations", json={"email": "new@example.com"}
        )
        invitation = await inbox.next()

        assert reset.subject == "Your new password"
        assert invitation.subject == "You are invited to Agora & Co"
        for mail, link in ((reset, "/reset?token="), (invitation, made.json()["link"])):
            assert link in mail.text
            assert mail.html is not None
            assert link in mail.html
            assert "Agora &amp; Co" in mail.html

    async def test_a_name_that_looks_like_a_template_is_none(
        self, people: MakePerson, client: httpx2.AsyncClient, inbox: Inbox
    ) -> None:
        person = await people(full_name="{{ 7 * 7 }}")
        await client.post("/api/v1/auth/password-reset", json={"email": person.email})

        mail: Mail = await inbox.next()

        assert "Hello {{ 7 * 7 }}," in mail.text


async def test_what_was_read_long_ago_goes(hub: Resources, authenticated_user: Person) -> None:
    days = hub.settings.notifications.keep_days
    async with hub.database.write() as session:
        for title, read_at in (
            ("old", db_now(-(days + 1) * 86400)),
            ("young", db_now(-(days - 1) * 86400)),
            ("unread", None),
        ):
            session.add(
                Notification(
                    user_id=authenticated_user.id, kind=PAUSED, title=title, read_at=read_at
                )
            )

    await prune(JobContext(hub, new_id(), 1), NoArgs())

    page = (await authenticated_user.client.get("/api/v1/notifications")).json()
    assert {each["title"] for each in page["items"]} == {"young", "unread"}


async def test_what_was_for_the_mail_alone_goes_when_that_is_long_gone(
    hub: Resources, authenticated_user: Person
) -> None:
    """Nobody can mark it as read."""
    days = hub.settings.notifications.keep_days
    old, young = db_now(-(days + 1) * 86400), db_now(-(days - 1) * 86400)
    async with hub.database.write() as session:
        for title, shown, mail, mail_at in (
            ("mailed", False, MailState.SENT, old),
            ("mailed lately", False, MailState.SENT, young),
            ("still waiting", False, MailState.WAITING, None),
            ("listed", True, MailState.SENT, old),
        ):
            session.add(
                Notification(
                    user_id=authenticated_user.id,
                    kind=PAUSED,
                    title=title,
                    shown=shown,
                    mail=mail,
                    mail_id=None if mail_at is None else new_id(),
                    mail_at=mail_at,
                )
            )

    await prune(JobContext(hub, new_id(), 1), NoArgs())

    async with hub.database.read() as session:
        left = set(await session.scalars(select(Notification.title)))
    assert left == {"mailed lately", "still waiting", "listed"}
