def test_x():
    from django.conf import settings
    import synthreview.settings as s
    print("VAR", s._var, settings.SECRET_KEY[:8])
