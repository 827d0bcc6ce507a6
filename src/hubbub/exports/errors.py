from hubbub.kit.errors import TooManyRequests


class TooManyExports(TooManyRequests):
    code = "too_many_exports"
    title = "As many exports are running here as may at a time; try again in a while"
