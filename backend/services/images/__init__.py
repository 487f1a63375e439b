"""Images on the disk: store, index, thumbnails, import, export."""
