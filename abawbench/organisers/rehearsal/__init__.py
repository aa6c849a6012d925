"""Rehearsals of bundles and of validators: what a participant would see, and what they let pass."""

from __future__ import annotations

from abawbench.organisers.rehearsal.bundle_files import Opened, open_bundle
from abawbench.organisers.rehearsal.profiles import PROFILES, Profile, read_profiles
from abawbench.organisers.rehearsal.run import Rehearsal, rehearse
from abawbench.organisers.rehearsal.sent import Sent, read_sent

__all__ = [
    "PROFILES",
    "Opened",
    "Profile",
    "Rehearsal",
    "Sent",
    "open_bundle",
    "read_profiles",
    "read_sent",
    "rehearse",
]
