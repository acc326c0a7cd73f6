"""The instance nordic-export."""
