"""Static files by the hash of what they hold, so that browsers may keep them for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped
    """Also what an ES module imports (``import … from "./page.js";``) is asked for by its hash: parts of two releases
    never meet in one page. Modules that import each other have no hash, and collecting them fails.
    """

    support_js_module_import_aggregation = True
    # One for each level of imports, and one that finds nothing more to change.
    max_post_process_passes = 12
