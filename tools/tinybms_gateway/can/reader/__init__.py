"""Capture files as blocks of frames, whatever their format."""

from tinybms_gateway.can.reader.capture import BLOCK_FRAMES, FORMATS, Capture
from tinybms_gateway.can.reader.error import CaptureError

__all__ = ["BLOCK_FRAMES", "FORMATS", "Capture", "CaptureError"]
