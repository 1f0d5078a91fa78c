"""What tests of several folders share, in three rooms: `peers`, `instruments` and `fixtures`.

What only one folder of tests needs is beside its tests; peers and instruments are here whoever needs them.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
