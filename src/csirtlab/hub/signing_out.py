"""Signing out ends the sign-in itself, not only the cookie in the browser that asks for it."""

from typing import Any

from jupyterhub.handlers.login import LogoutHandler
from jupyterhub.orm import new_token


def end_sign_ins_at_sign_out() -> None:
    """Let JupyterHub forget the cookies of whoever signs out, in every browser; a copy of one opens nothing then.

    JupyterHub itself deletes the cookie in one browser, and knows it for two weeks more. Authenticators for other
    services have handlers of their own, which call this method as well.

    Source: JupyterHub 6.1, handlers/login.py, ``LogoutHandler.default_handle_logout``; handlers/base.py,
    ``get_current_user_cookie``, which finds a user by ``cookie_id``.
    """
    sign_out = LogoutHandler.default_handle_logout

    async def sign_out_everywhere(self: Any) -> None:
        user = self.current_user
        await sign_out(self)
        if user:
            user.orm_user.cookie_id = new_token()
            self.db.commit()

    LogoutHandler.default_handle_logout = sign_out_everywhere
