"""A hotline that phones out, SIPp as the telephone network."""

import pytest

from tests.e2e.campaigns.scheduler import Campaigns
from tests.e2e.hotline import Hotline


@pytest.fixture
def campaigns(hotline: Hotline) -> Campaigns:
    return Campaigns(hotline)
