"""What every job shares: errors, log and progress, storage, device, random streams, versions, provenance, digests."""
