"""Parts of a record that are more than a text, as people read them: spans, fields, calls, code, turns, passages.

Each module makes one shape out of a record and its reading, for the tags of ``templatetags/reading.py``.
"""
