"""Parameters of reports that are no option of the study file: what a page shows, not how segments are made."""

from __future__ import annotations

from pydantic import Field

from segment_lab.study_config import Strict


class Receivables(Strict):
    """Parameters of the receivables report."""

    months: int = Field(24, ge=2, le=240)
    loss_days: int = Field(365, ge=1)
    alert_days: int = Field(30, ge=0)
    alert_amount: float | None = Field(None, ge=0)
    horizon_days: int = Field(90, ge=1, le=1095)
    value_scheme: str = "abc"
    alerts_folder: str | None = None
    alerts_state: str | None = None
    notify: bool = False


class Engagement(Strict):
    """Parameters of the engagement report, beside the method's."""

    scheme: str = "rfm"
    response_days: int = Field(30, ge=1, le=365)
    mailing_segments: tuple[str, ...] = ()
    mailing_file: str | None = None
    personal: bool = False
