"""What looks like chance in the demo, and is always the same for the same name."""

import hashlib
import math

_MILES_PER_DEGREE = 69.0


def moved_apart(key: str, latitude: float, longitude: float) -> tuple[float, float]:
    """Return a point near that of a ZIP code, so that neighbors do not cover each other.

    Always the same for the same key: at most three quarters of a mile away.
    """
    digest = hashlib.sha256(key.encode()).digest()
    angle, miles = digest[0] / 256 * math.tau, 0.15 + digest[1] / 256 * 0.6
    north = miles / _MILES_PER_DEGREE * math.sin(angle)
    east = miles / (_MILES_PER_DEGREE * math.cos(math.radians(latitude))) * math.cos(angle)
    return round(latitude + north, 5), round(longitude + east, 5)


def days_before(name: str) -> tuple[int, int]:
    """Return how many days before its confirmation a record was changed, and before that made.

    Always the same for the same name, so that what one owner has is not all of one day.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return digest[2] % 12, digest[3]
