"""Where rules send events to over HTTP: signed webhooks, Slack, helpdesks. One file each."""
