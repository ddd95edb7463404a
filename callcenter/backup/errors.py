"""Why a backup cannot be made or brought back: each says the remedy."""

from callcenter.core.errors import SetupError


class BackupRefused(SetupError):
    code = "backup-refused"
    title_en, title_zh = "The backup was not made.", "未能完成备份。"


class BackupDamaged(SetupError):
    code = "backup-damaged"
    title_en, title_zh = "The backup is not whole.", "备份文件不完整。"


class RestoreRefused(SetupError):
    code = "restore-refused"
    title_en, title_zh = "The backup was not restored.", "未能恢复备份。"
