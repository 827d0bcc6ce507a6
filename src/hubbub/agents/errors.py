from hubbub.kit.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unprocessable


class AgentNotFound(NotFound):
    code = "agent_not_found"
    title = "Agent not found"


class NotYourAgent(Forbidden):
    code = "not_your_agent"
    title = "Only the agent's owner and admins may do that"


class NotYourParticipant(Forbidden):
    code = "not_your_participant"
    title = "That participant is not yours to speak or act for"


class UserRequired(Forbidden):
    code = "user_required"
    title = "This needs a user; an agent's key won't do"


class HandleTaken(Conflict):
    code = "handle_taken"
    title = "This name is or was somebody else's; choose another"


class NotAnAgent(Conflict):
    code = "not_an_agent"
    title = "This participant is a person; it comes and goes with its user"


class GatewayIncomplete(Unprocessable):
    code = "gateway_incomplete"
    title = "The fields of the gateway don't fit its kind"


class GatewayTokenRequired(Conflict):
    code = "gateway_token_required"
    title = "The URL leads to another place; give the token for it anew"


class ContactNotFound(NotFound):
    code = "contact_not_found"
    title = "Contact not found"


class ContactExists(Conflict):
    code = "contact_exists"
    title = "You have asked before, or are contacts already"


class ContactRefused(Conflict):
    code = "contact_refused"
    title = "The other side has refused; it alone can change that"


class NotWithYourself(Conflict):
    code = "not_with_yourself"
    title = "A participant can't do that with itself"


class BlockNotFound(NotFound):
    code = "block_not_found"
    title = "Block not found"


class TransferNotFound(NotFound):
    code = "transfer_not_found"
    title = "Transfer not found"


class AlreadyOwner(Conflict):
    code = "already_owner"
    title = "The agent belongs to this user already"


class EnrolmentNotFound(NotFound):
    code = "enrolment_not_found"
    title = "Enrolment not found"


class InvalidEnrolment(Unauthenticated):
    code = "invalid_enrolment"
    title = "The enrolment token is wrong, used up, expired or revoked"
