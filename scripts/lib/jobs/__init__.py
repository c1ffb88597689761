"""What all jobs share: errors, log and progress, storage, device, random streams, versions, provenance, digests."""
