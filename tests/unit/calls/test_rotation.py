"""The ledger file is renamed by the day; what Asterisk writes meanwhile is lost to nobody."""

from datetime import UTC, datetime
from pathlib import Path

from callcenter.calls.retention import rotate_if_due

LINE = (
    b'{"eventtype":"CHAN_START","eventenum":"CHAN_START","userdeftype":"","eventtime":"1767600000.000001","exten":"8000",'
    b'"context":"inbound","channame":"PJSIP/trunk-00000000","appname":"","uniqueid":"pbx1-1767600000.0",'
    b'"linkedid":"pbx1-1767600000.0","peer":"","eventextra":""}\n'
)
FIRST_AT = datetime(2026, 1, 5, 8, 0, 0, 1, UTC)


def test_an_old_file_is_renamed_whole(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_bytes(b"not a line\n" + LINE * 2)
    assert rotate_if_due(ledger, FIRST_AT.replace(hour=9))
    assert not ledger.exists()
    (renamed,) = tmp_path.iterdir()
    assert renamed.name == "ledger.jsonl.1767600000"
    assert renamed.read_bytes() == b"not a line\n" + LINE * 2


def test_a_young_empty_absent_or_unreadable_file_stays(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    assert not rotate_if_due(ledger, FIRST_AT)
    for content in (b"", LINE[:40], LINE):
        ledger.write_bytes(content)
        assert not rotate_if_due(ledger, FIRST_AT)
        assert ledger.read_bytes() == content
