"""Role RECOMMENDER: ``default`` is the configured engine; ``fallback``, the one that answers when it cannot."""

from mangaassist.backends import BackendHandler
from recommendations.backends.base import Recommender

recommenders: BackendHandler[Recommender] = BackendHandler("RECOMMENDERS", Recommender)
