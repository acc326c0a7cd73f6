"""What people and programs read of a plan: run folder, layers, report, workbook, comparison."""
