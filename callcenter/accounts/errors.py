"""What can go wrong with accounts."""

from callcenter.core.errors import Conflict, InvalidInput, NotAuthenticated, NotFound, TooManyRequests


class LoginFailed(NotAuthenticated):
    """One answer for an unknown name, a wrong password, a locked and a closed account: it tells nothing."""

    code = "login-failed"
    title_en = "User name or password is wrong, or the account is locked for a while after too many tries."
    title_zh = "用户名或密码错误，或因多次尝试失败账号已被暂时锁定。"


class TooManyLogins(TooManyRequests):
    code = "too-many-logins"
    title_en, title_zh = "Too many log-ins from this address; wait a minute.", "该地址登录次数过多，请一分钟后再试。"


class UsernameTaken(Conflict):
    code = "username-taken"
    title_en, title_zh = "This user name is taken.", "该用户名已被使用。"


class LastAdmin(Conflict):
    code = "last-admin"
    title_en, title_zh = "At least one active administrator must remain.", "至少须保留一名有效的管理员。"


class KeyNameTaken(Conflict):
    code = "key-name-taken"
    title_en, title_zh = "An API key of this name exists.", "同名的接口密钥已存在。"


class WrongPassword(InvalidInput):
    code = "wrong-password"
    title_en, title_zh = "The present password is wrong.", "当前密码不正确。"


class WeakPassword(InvalidInput):
    code = "weak-password"
    title_en = "A password has at least 10 characters and is not the user name."
    title_zh = "密码至少 10 个字符，且不能与用户名相同。"


class UserNotFound(NotFound):
    code = "user-not-found"
    title_en, title_zh = "There is no such user.", "用户不存在。"


class KeyNotFound(NotFound):
    code = "key-not-found"
    title_en, title_zh = "There is no such API key.", "接口密钥不存在。"
