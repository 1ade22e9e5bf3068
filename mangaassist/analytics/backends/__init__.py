"""Role ANALYTICS: where events go."""

from mangaassist.analytics.backends.base import AnalyticsStream
from mangaassist.backends import BackendHandler

streams: BackendHandler[AnalyticsStream] = BackendHandler("ANALYTICS", AnalyticsStream)
