"""ticketmill: raw support tickets in S3 become enriched ones, from one run of the encoder."""

import os

# onnxruntime and the hub's client send usage data by default, and read these variables when they are first
# imported. No part of ticketmill is imported before this file, so nothing can be sent. A user who sets a
# variable keeps it.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
