"""What people see and type: commands, tables, JSON, exit codes."""
