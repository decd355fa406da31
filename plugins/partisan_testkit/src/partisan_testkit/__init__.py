"""What tests of overlays and of applications need: a simulator, random schedules of faults, memory clusters."""
