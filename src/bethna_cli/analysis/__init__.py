"""Alpha, pure: snapshot to recommendation. Same input, same answer; no network, disk, clock or chance."""
