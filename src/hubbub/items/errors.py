"""
What is refused about items. To whom an item is invisible, all of it is ItemNotFound.

NotFound                 404
├── ItemNotFound
├── DependencyNotFound
└── NothingReady             there is nothing to claim at present
Forbidden                403
├── NotYourItem
├── NotYourClaim             the number is right, but the claim is another's
└── ReservedForAnother
Conflict                 409
├── ItemClaimed              by somebody, for as long as they hold it
├── ItemWaiting              others must be done before
├── ItemFinished
├── ClaimLost                released, lapsed, taken over, cancelled
├── ItemNotOpen
├── ItemNeeded               others wait for it
├── DependencyCycle
├── TooManyDependencies
└── AssigneeNotInRoom
"""

from hubbub.kit.errors import Conflict, Forbidden, NotFound


class ItemNotFound(NotFound):
    code = "item_not_found"
    title = "Item not found"


class DependencyNotFound(NotFound):
    code = "dependency_not_found"
    title = "The item doesn't wait for that one"


class NothingReady(NotFound):
    code = "nothing_ready"
    title = "There is nothing to claim at present"


class NotYourItem(Forbidden):
    code = "not_your_item"
    title = "Only who made the item, and admins, may do that"


class NotYourClaim(Forbidden):
    code = "not_your_claim"
    title = "Only who has claimed the item may do that"


class ReservedForAnother(Forbidden):
    code = "reserved_for_another"
    title = "The item is meant for somebody else"


class ItemClaimed(Conflict):
    code = "item_claimed"
    title = "Somebody else has claimed the item"


class ItemWaiting(Conflict):
    code = "item_waiting"
    title = "Other items have to be done first"


class ItemFinished(Conflict):
    code = "item_finished"
    title = "The item is finished"


class ClaimLost(Conflict):
    code = "claim_lost"
    title = "This claim counts no more; stop, and claim the item again if it is open"


class ItemNotOpen(Conflict):
    code = "item_not_open"
    title = "What an item waits for changes only while it is open"


class ItemNeeded(Conflict):
    code = "item_needed"
    title = "Other items wait for this one; take it off their dependencies first, or cancel it"


class DependencyCycle(Conflict):
    code = "dependency_cycle"
    title = "That item waits for this one already, directly or by others"


class TooManyDependencies(Conflict):
    code = "too_many_dependencies"
    title = "The item waits for as many others as one may"


class AssigneeNotInRoom(Conflict):
    code = "assignee_not_in_room"
    title = "Only a member who may speak in the item's room can do it"
