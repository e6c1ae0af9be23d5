"""ticketmill: raw support tickets in S3 become enriched ones, from one run of the encoder."""
