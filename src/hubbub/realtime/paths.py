"""Where sockets are reached."""

from uuid import UUID

from starlette.routing import Router, WebSocketRoute
from starlette.types import Scope

from hubbub.realtime.admission import Admitted
from hubbub.realtime.connections import Connection
from hubbub.realtime.errors import NoSuchStream
from hubbub.realtime.outlets import Outlet
from hubbub.realtime.sockets import MakeTalk, SocketApp
from hubbub.realtime.state import RealtimeState
from hubbub.realtime.streams import Inbox, Room
from hubbub.realtime.talks import InboxSocket, PrivateSocket, RoomSocket


def _inbox(state: RealtimeState, admitted: Admitted, outlet: Outlet, scope: Scope) -> InboxSocket:
    agent_id = _id_in(scope, "agent_id")
    database, epoch = state.resources.database, state.messages.epoch
    stream = Inbox(database, epoch, admitted.actor, agent_id)
    connection = Connection(agent_id, admitted.actor, admitted.credential, outlet, stream)
    return InboxSocket(state, connection, stream)


def _room(state: RealtimeState, admitted: Admitted, outlet: Outlet, scope: Scope) -> RoomSocket:
    room_id = _id_in(scope, "room_id")
    stream = Room(state.resources.database, state.messages.epoch, admitted.actor, room_id)
    connection = Connection(room_id, admitted.actor, admitted.credential, outlet, stream)
    return RoomSocket(state, connection, stream)


def _private(
    state: RealtimeState, admitted: Admitted, outlet: Outlet, scope: Scope
) -> PrivateSocket:
    del scope
    user_id = admitted.actor.viewer.user_id
    connection = Connection(user_id, admitted.actor, admitted.credential, outlet)
    return PrivateSocket(state, connection)


def _id_in(scope: Scope, name: str) -> UUID:
    try:
        return UUID(scope["path_params"][name])
    except ValueError as error:
        raise NoSuchStream from error


def add_sockets(router: Router) -> None:
    paths: dict[str, MakeTalk] = {
        "/ws/agents/{agent_id}": _inbox,
        "/ws/rooms/{room_id}": _room,
        "/ws/private": _private,
    }
    for path, make in paths.items():
        router.routes.append(WebSocketRoute(path, SocketApp(make)))
