"""For organisers: frozen scorers, bundles for hosted platforms, their rehearsal, the mail room, batches."""
