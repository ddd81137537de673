# stops, memory, device, log
_start:
    j main
