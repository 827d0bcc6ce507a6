"""The settings of one part each."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from hubbub.settings.values import Networks, Seconds, Words


class SignUp(StrEnum):
    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpSettings(Section):
    allowed_hosts: Words = ("localhost", "127.0.0.1", "[::1]")
    cors_origins: Words = ()
    trusted_proxies: Words = ("127.0.0.1", "::1")
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
    gzip_min_bytes: int = Field(default=500, ge=1)
    request_timeout: float = Field(default=30.0, gt=0, description="seconds to wait for a request")
    metrics_token: SecretStr | None = None


class DatabaseSettings(Section):
    pool_size: int = Field(default=20, ge=1)
    max_overflow: int = Field(default=30, ge=0)
    busy_timeout: float = Field(default=5.0, gt=0, description="seconds to wait for a locked file")


class AuthSettings(Section):
    algorithm: Literal["HS256", "HS384", "HS512"] = "HS256"
    access_minutes: int = Field(default=15, ge=1)
    refresh_days: int = Field(default=30, ge=1)
    sign_up: SignUp = SignUp.INVITE
    invitation_days: int = Field(default=7, ge=1)
    reset_minutes: int = Field(default=60, ge=1)
    login_failures: int = Field(default=10, ge=1, description="per account and address")
    login_failures_per_address: int = Field(default=50, ge=1)
    login_window_seconds: int = Field(default=900, ge=1)


class LimitSettings(Section):
    enabled: bool = True
    requests_per_minute: int = Field(default=6000, ge=1, description="with a credential")
    anonymous_per_minute: int = Field(default=300, ge=1, description="without, for an address")


class SocketSettings(Section):
    ping_seconds: float = Field(default=20.0, gt=0, description="between asking who is there")
    pong_seconds: float = Field(default=25.0, gt=0, description="to answer that, or be gone")


class MessageSettings(Section):
    max_content_bytes: int = Field(default=128 * 1024, ge=1)
    max_hops: int = Field(default=50, ge=1, description="answers between agents alone")
    open_per_inbox: int = Field(default=100_000, ge=1, description="not acknowledged yet")
    sends_per_minute: int = Field(default=6000, ge=1, description="of one participant")
    keep_days: int | None = Field(
        default=None, ge=8, description="what is final is forgotten after so many; else never"
    )
    max_delay_days: int = Field(default=30, ge=1, description="how far deliver_at may lie ahead")
    queue_size: int = Field(default=10_000, ge=1)
    batch_size: int = Field(default=256, ge=1)


class RoomSettings(Section):
    max_members: int = Field(default=5000, ge=1, description="of one room")
    rooms_per_user: int = Field(default=1000, ge=1, description="made, and not deleted")


class FileSettings(Section):
    max_bytes: int = Field(default=5 * 1024 * 1024, ge=1, description="of one file")
    per_request: int = Field(default=20, ge=1)
    quota_bytes: int = Field(default=1024**3, ge=1, description="of all files of one user")
    allow_zip: bool = False
    link_minutes: int = Field(default=10, ge=1, le=7 * 24 * 60, description="of links to S3")


class ReportSettings(Section):
    keep_days: int = Field(default=30, ge=1, description="then a report is erased")
    at_a_time: int = Field(default=3, ge=1, description="waiting or being made, of one user")


class GatewaySettings(Section):
    allow_cidrs: Networks = Field(
        default=(), description="networks that are not public and may be called all the same"
    )
    connect_timeout: float = Field(default=10.0, gt=0)
    # a gateway of OpenClaw whose session is busy says so after 15 seconds
    timeout: float = Field(default=30.0, gt=0, description="seconds for one push")
    chat_timeout: float = Field(default=600.0, gt=0, description="seconds for a whole turn")
    max_answer_bytes: int = Field(default=64 * 1024, ge=1024)
    max_reply_bytes: int = Field(default=1024 * 1024, ge=1024, description="of one chat turn")
    tests_per_minute: int = Field(default=6, ge=1, description="of one agent's gateway")


class DeliverySettings(Section):
    concurrency: int = Field(default=512, ge=1, description="pushes at a time, of one process")
    retry_schedule: Seconds = Field(
        default=(5, 300, 1800, 7200, 18000, 36000, 36000),
        description="seconds before the second try, the third, and so on; then it has failed",
    )
    lease_seconds: float = Field(default=60.0, gt=0, description="how long a dead worker is missed")
    poll_seconds: float = Field(default=1.0, gt=0)
    chat_grace_seconds: float = Field(
        default=20.0, ge=0, description="at a stop, how long a chat may go on; then nobody knows"
    )
    pause_after_failures: int = Field(default=10, ge=1, description="in a row, and")
    pause_after_seconds: float = Field(default=300.0, ge=0, description="of nothing but failures")
    probe_schedule: Seconds = Field(
        default=(60, 300, 900, 3600),
        min_length=1,
        description="seconds before each try of a paused gateway; the last one again and again",
    )


class MailSettings(Section):
    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    sender: str = "Hubbub <hubbub@localhost>"


class NotificationSettings(Section):
    mails_per_kind: int = Field(default=5, ge=0, description="one by one, in a window; of one kind")
    window_minutes: int = Field(default=60, ge=1, description="then the others go in one mail")
    keep_days: int = Field(default=90, ge=1, description="after they were read")


class ExportSettings(Section):
    at_once: int = Field(default=2, ge=1, description="of one process; each has a connection")
    stall_seconds: float = Field(
        default=30.0, gt=0, description="to read nothing, and be cut off; of reports too"
    )
    max_seconds: float = Field(
        default=3600.0, gt=0, description="for all of an export, which keeps a snapshot open"
    )


class JobSettings(Section):
    concurrency: int = Field(default=8, ge=1)
    lease_seconds: float = Field(default=30.0, gt=0)
    poll_seconds: float = Field(default=2.0, gt=0)
    keep_days: int = Field(default=7, ge=1)


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"
