from django.http import HttpResponse
from django.urls import path

app_name = "evaluation"
urlpatterns = [
    path("", lambda request, project: HttpResponse("soon"), name="evaluation-home"),
    path("launch/<uuid:uuid>/", lambda request, project, uuid: HttpResponse("soon"), name="launch-detail"),
]
