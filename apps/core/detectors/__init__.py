"""Finds credentials and personal data in plain text: no Django, no network, time linear in the text."""
