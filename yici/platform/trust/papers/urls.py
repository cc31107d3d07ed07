"""Reading papers: the picture of a reading (whoever may see the reading), and the departments' batches (`data.upload`)."""

from django.urls import path

from yici.platform.trust.papers import desk_pages, pages

urlpatterns = [
    path("papers/<int:reading_id>/picture/", pages.picture, name="paper-picture"),
    path("desk/papers/", desk_pages.overview, name="papers-desk"),
    path("desk/papers/new/<str:slug>/", desk_pages.new, name="paper-batch-new"),
    path("desk/papers/<int:batch_id>/", desk_pages.batch, name="paper-batch"),
    path("desk/papers/<int:batch_id>/pages/<int:reading_id>/", desk_pages.page, name="paper-page"),
    path("desk/papers/<int:batch_id>/deliver/", desk_pages.deliver, name="paper-deliver"),
    path("desk/papers/<int:batch_id>/export/", desk_pages.export, name="paper-export"),
]
