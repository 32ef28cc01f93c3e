"""Understanding what people type: text -> words -> slots, features -> kind. No network, disk, clock or chance."""
