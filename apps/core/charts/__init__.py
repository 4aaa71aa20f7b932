"""Small SVG charts, drawn by the server.

A chart is a pure function from dataclasses to a ``SafeString``. It carries classes and never a style
attribute (the content policy forbids inline style), so ``static/css/charts.css`` gives it both themes
and print. Every chart has ``role="img"``, an ``aria-label``, a ``<title>`` and a ``<desc>`` with the numbers.
"""
