"""The lab at a glance: how every project stands, what is at work, what each board is doing.

Front ends draw these records; nobody has to put them together from several services.
"""
