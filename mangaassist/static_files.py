"""Static files by the hash of what they hold, so that browsers may keep them for ever; and how they are served."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped
    """Also what an ES module imports (``import … from "./page.js";``) is asked for by its hash: parts of two releases
    never meet in one page. Modules that import each other have no hash, and collecting them fails.
    """

    support_js_module_import_aggregation = True
    # One for each level of imports, and one that finds nothing more to change.
    max_post_process_passes = 12


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # untyped
    """WhiteNoise with whole answers. It answers with an open file, which Django under ASGI reads to its end in another
    thread before it sends the first byte, and warns of it. Ours are small, and are read where they are found.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        content = b""
        if found.file is not None:
            with found.file as file:
                content = file.read()
        response = HttpResponse(content, status=int(found.status))
        # WhiteNoise knows the type; some answers have none.
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        if found.file is not None:
            # A file that was replaced since the start is told by its new length, or its end would be cut off.
            response["Content-Length"] = str(len(content))
        return response
