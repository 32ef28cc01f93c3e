"""The only place that chooses adapters: from settings to something that is ready to work. One file per part."""
